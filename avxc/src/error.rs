//! Errors: the exit status of the tool, and the message for the user.

use avx_gpu::ffi::{AVX_ERROR_INVALID_ARGUMENT, AVX_ERROR_NO_DEVICE, AVX_ERROR_NO_DRIVER, avx_status};
use std::fmt::Display;
use std::path::Path;

/// An exit status. The manual lists the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing failed.
    Done = 0,
    /// The kernel does not compile, does not fit the device or its arguments, or failed while it ran.
    Kernel = 1,
    /// The command line is wrong.
    Usage = 2,
    /// There is no driver, or no suitable device.
    NoDevice = 3,
    /// A file cannot be read or written, or has the wrong content.
    File = 4,
}

/// Every exit status with its meaning, for the manual.
pub(crate) const EXITS: [(Exit, &str); 5] = [
    (Exit::Done, "done"),
    (Exit::Kernel, "the kernel does not compile, does not fit the device or its arguments, or failed while it ran"),
    (Exit::Usage, "the command line is wrong"),
    (Exit::NoDevice, "there is no Vulkan driver, or no suitable device"),
    (Exit::File, "a file cannot be read or written, or has the wrong content"),
];

/// An error that ends the tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    /// The exit status.
    pub(crate) exit: Exit,
    /// The message for standard error; empty if everything has been printed already.
    pub(crate) message: String,
}

/// An error that the library returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LibraryError {
    /// AVX_ERROR_...
    pub(crate) status: avx_status,
    /// The library's message, without the names of the function and of the status.
    pub(crate) message: String,
}

/// The result type of the tool.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with its message.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Error {
        Error { exit, message: message.into() }
    }

    /// An error whose message has been printed already.
    pub(crate) fn reported(exit: Exit) -> Error {
        Error::new(exit, "")
    }
}

/// An error in the command line.
pub(crate) fn usage(message: impl Into<String>) -> Error {
    Error::new(Exit::Usage, message)
}

/// A file that cannot be used.
pub(crate) fn file(path: &Path, why: impl Display) -> Error {
    Error::new(Exit::File, format!("{}: {why}", path.display()))
}

/// An error of the library that is about a kernel.
impl From<LibraryError> for Error {
    fn from(error: LibraryError) -> Error {
        let exit = match error.status {
            AVX_ERROR_NO_DRIVER | AVX_ERROR_NO_DEVICE => Exit::NoDevice,
            _ => Exit::Kernel,
        };
        Error::new(exit, error.message)
    }
}

/// An error of the library from opening a device.
pub(crate) fn cannot_open(error: LibraryError) -> Error {
    let exit = if error.status == AVX_ERROR_INVALID_ARGUMENT { Exit::Usage } else { Exit::NoDevice };
    Error::new(exit, error.message)
}
