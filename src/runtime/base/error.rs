//! The error type of the runtime: a status, whose number the C ABI pins, and a message for a person.

use crate::{compile, vulkan};
use std::fmt;

/// What went wrong, with the number that the C ABI gives it. A number is never reused. `ffi::library` repeats the numbers for the header
/// and asserts that they agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Status {
    NotReady = 1,
    Timeout = 2,
    InvalidArgument = -1,
    InvalidHandle = -2,
    OutOfRange = -3,
    Mapped = -4,
    NotMapped = -5,
    InCallback = -6,
    Unsupported = -7,
    Limit = -8,
    TimedOut = -9,
    OutOfDeviceMemory = -100,
    OutOfHostMemory = -101,
    Compile = -200,
    InvalidSpirv = -201,
    EntryPoint = -202,
    Arguments = -203,
    Assertion = -204,
    NoDriver = -300,
    NoDevice = -301,
    DeviceLost = -302,
    Driver = -303,
    Internal = -400,
    Forked = -401,
    Exiting = -402,
}

/// A status other than OK, with a message for a person. A positive status is no failure and has no message, yet it travels the same way.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) status: Status,
    pub(crate) message: String,
}

/// The result type of the runtime.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Error {
        Error { status, message: message.into() }
    }

    /// A status that is no failure: work is not finished. It has no message, because a program that polls gets it thousands of times.
    pub(crate) fn not_yet(status: Status) -> Error {
        Error { status, message: String::new() }
    }
}

/// The error of a mistake in an argument of the call itself.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Status::InvalidArgument, message)
}

/// The error of a feature that has a number in the header and that this version does not implement.
pub(crate) fn not_in_this_version(what: &str) -> Error {
    Error::new(Status::Unsupported, format!("{what}: not in this version of the library ({})", env!("CARGO_PKG_VERSION")))
}

/// The error of a host allocation, of a size that the caller chose, that did not succeed.
pub(crate) fn out_of_host_memory(what: &str, bytes: usize) -> Error {
    Error::new(Status::OutOfHostMemory, format!("no host memory for {bytes} bytes of {what}"))
}

impl From<vulkan::Error> for Error {
    fn from(e: vulkan::Error) -> Error {
        use vulkan::ErrorKind as K;
        let status = match e.kind {
            K::NoDriver => Status::NoDriver,
            K::NoDevice => Status::NoDevice,
            K::Invalid => Status::InvalidArgument,
            K::Unsupported => Status::Unsupported,
            K::Limit => Status::Limit,
            K::OutOfDeviceMemory => Status::OutOfDeviceMemory,
            K::OutOfHostMemory | K::NotMapped => Status::OutOfHostMemory,
            K::DeviceLost => Status::DeviceLost,
            K::Driver => Status::Driver,
        };
        Error::new(status, e.message)
    }
}

impl From<compile::Error> for Error {
    fn from(e: compile::Error) -> Error {
        use compile::ErrorKind as K;
        let status = match e.kind {
            K::Compile => Status::Compile,
            K::InvalidSpirv => Status::InvalidSpirv,
            K::EntryPoint => Status::EntryPoint,
            K::Unsupported => Status::Unsupported,
            K::Constant => Status::Arguments,
            K::Limit => Status::Limit,
            K::Internal => Status::Internal,
        };
        Error::new(status, e.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
