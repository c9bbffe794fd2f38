//! Kernels that report what they do by printf, assertions and checks for accesses out of bounds.
//!
//! | file | what it is about |
//! |---|---|
//! | [`format`](mod@format) | format strings of printf, and how numbers are printed |
//! | [`report`] | the sites that report, and how the buffer of records is read |
//! | [`string_literal`], [`statement`] | the replacement of `printf` and `assert` in WGSL text by calls |
//! | [`types`], [`emit`], [`instrument`] | the pass that adds a buffer to the SPIR-V, and code that writes records into it |

mod emit;
mod format;
pub(super) mod instrument;
pub(super) mod report;
pub(super) mod statement;
mod string_literal;
mod types;

pub(crate) use report::{DebugInfo, DebugRecord, HEADER, Severity};
