//! Compilation of WGSL to a kernel. The compiler is naga. The other files work around its defects.
//!
//! | file | what it is about |
//! |---|---|
//! | [`const_eval`], [`copy_cost`] | limits on constants and types that the compiler would copy too often |
//! | [`message_rewrite`] | the compiler's messages in the terms of WGSL |
//! | [`unsupported_builtins`] | rejects built-in functions that GPUs lack for some types |
//! | [`uniform_barriers`] | rejects barriers that some invocations never reach |
//! | [`backend`] | a naga module to a kernel |
//! | [`parse`] | WGSL text to a naga module |

pub(super) mod backend;
mod const_eval;
mod copy_cost;
mod message_rewrite;
pub(super) mod parse;
mod uniform_barriers;
mod unsupported_builtins;
