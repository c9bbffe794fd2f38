//! Why the tool ends without success: the exit status, and the text for a person.

use crate::abi::Refusal;
use avx_gpu::ffi::{AVX_ERROR_INVALID_ARGUMENT, AVX_ERROR_NO_DEVICE, AVX_ERROR_NO_DRIVER};
use std::fmt::Display;
use std::path::Path;

/// What an exit status means. The numbers are told in the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing failed.
    Done = 0,
    /// The kernel does not compile, does not fit the device or its arguments, or failed as it ran.
    Kernel = 1,
    /// The command line is wrong.
    Usage = 2,
    /// There is no driver, or no device that fits.
    NoDevice = 3,
    /// A file cannot be read or written, or does not hold what it should.
    File = 4,
}

/// Every exit status with its meaning, for the manual.
pub(crate) const EXITS: [(Exit, &str); 5] = [
    (Exit::Done, "done"),
    (Exit::Kernel, "the kernel does not compile, does not fit the device or its arguments, or failed as it ran"),
    (Exit::Usage, "the command line is wrong"),
    (Exit::NoDevice, "there is no Vulkan driver, or no device that fits"),
    (Exit::File, "a file cannot be read or written, or does not hold what it should"),
];

/// A failure that ends the tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit status.
    pub(crate) exit: Exit,
    /// What to say on standard error; nothing where all is said.
    pub(crate) message: String,
}

/// Results of the tool.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with its text.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into() }
    }

    /// A failure of which all is said already.
    pub(crate) fn said(exit: Exit) -> Failure {
        Failure::new(exit, "")
    }
}

/// A mistake in the command line.
pub(crate) fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// A file that cannot be used.
pub(crate) fn file(path: &Path, why: impl Display) -> Failure {
    Failure::new(Exit::File, format!("{}: {why}", path.display()))
}

/// What the library refused about a kernel.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let exit = match refusal.status {
            AVX_ERROR_NO_DRIVER | AVX_ERROR_NO_DEVICE => Exit::NoDevice,
            _ => Exit::Kernel,
        };
        Failure::new(exit, refusal.message)
    }
}

/// What the library refused about opening a device.
pub(crate) fn no_device(refusal: Refusal) -> Failure {
    let exit = if refusal.status == AVX_ERROR_INVALID_ARGUMENT { Exit::Usage } else { Exit::NoDevice };
    Failure::new(exit, refusal.message)
}
