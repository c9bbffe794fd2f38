//! Kernels that report what they do by printf, assertions and checks for accesses out of bounds.
//!
//! | file | what it is about |
//! |---|---|
//! | [`format`](mod@format) | how numbers print |
//! | [`report`] | what can be reported, and how the buffer of records is read |
//! | [`string_literal`], [`statement`] | `printf` and `assert` in WGSL text become calls |
//! | [`types`], [`emit`], [`instrument`] | SPIR-V gets a buffer of its own, and code that writes records into it |

mod emit;
mod format;
pub(super) mod instrument;
pub(super) mod report;
pub(super) mod statement;
mod string_literal;
mod types;

pub(crate) use report::{DebugInfo, DebugRecord, HEADER, Severity};
