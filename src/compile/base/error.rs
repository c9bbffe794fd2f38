//! Why a kernel is rejected: a kind, which the runtime turns into a status, and a message for the author of the kernel.

use rspirv::spirv::Capability;
use std::fmt;

/// Kinds of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The text does not compile.
    Compile,
    /// The SPIR-V module is invalid.
    InvalidSpirv,
    /// The entry point does not exist, or there are several and the request names none.
    EntryPoint,
    /// The device lacks a feature that the kernel needs.
    Unsupported,
    /// A constant that the request names does not exist, or cannot have the value.
    Constant,
    /// The kernel exceeds a limit of the device or of the library.
    Limit,
    /// A bug of this library or of the WGSL compiler.
    Internal,
}

/// An error: its kind and its message.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    /// The capabilities that the device lacks, if the error is about capabilities.
    pub(crate) missing: Vec<Capability>,
}

/// The result of this layer's functions.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), missing: Vec::new() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The error for a panic that was caught around the compiler. A panic is the compiler's fault and not the user's.
pub(crate) fn panic_error(message: &str) -> Error {
    let first = message.lines().next().unwrap_or("").trim();
    let shown: String = first.chars().take(300).collect();
    Error::new(
        ErrorKind::Compile,
        format!(
            "the kernel compiler failed internally on this kernel ({}); the kernel may be correct. Known causes: passing a pointer to an \
             element of an array as an argument, and cooperative operations whose operands are not named by `let` first",
            if shown.is_empty() { "no message" } else { &shown }
        ),
    )
}
