//! Why a kernel was refused: a kind that the runtime turns into a status, and the text for the person who wrote it.

use rspirv::spirv::Capability;
use std::fmt;

/// What sort of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The text does not compile.
    Compile,
    /// The SPIR-V module is malformed.
    InvalidSpirv,
    /// No such entry point, or several and none named.
    EntryPoint,
    /// The device lacks a feature that the kernel needs.
    Unsupported,
    /// A constant that is not there, or a value that it cannot have.
    Constant,
    /// Beyond a limit of the device.
    Limit,
    /// A bug of ours or of the compiler's.
    Internal,
}

/// A refusal with its story.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    /// Capabilities that the device lacks, where that is why.
    pub(crate) missing: Vec<Capability>,
}

/// Results of this layer.
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

/// What to say of a panic that was caught around the compiler: the compiler's, not the user's fault.
pub(crate) fn panic_error(message: &str) -> Error {
    let first = message.lines().next().unwrap_or("").trim();
    let shown: String = first.chars().take(300).collect();
    Error::new(
        ErrorKind::Compile,
        format!(
            "the kernel compiler failed inside on this kernel ({}); the kernel may be right. Known causes: passing a pointer to an \
             element of an array as an argument, and cooperative operations whose operands are not named by `let` first",
            if shown.is_empty() { "no message" } else { &shown }
        ),
    )
}
