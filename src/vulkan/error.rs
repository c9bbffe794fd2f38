//! Errors of this layer: a kind, which the runtime turns into a status, and a message for the user.

use ash::vk;
use std::fmt;

/// The kinds of errors that callers of this layer need to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// There is no loader or no driver.
    NoDriver,
    /// No device matches the selection.
    NoDevice,
    /// A selector or an option has no meaning.
    Invalid,
    /// The device does not support what was requested.
    Unsupported,
    /// The request exceeds a limit of the device.
    Limit,
    /// The device has no memory left.
    OutOfDeviceMemory,
    /// The host has no memory left.
    OutOfHostMemory,
    /// Memory of the device could not be mapped into the address space of the process.
    NotMapped,
    /// The device is lost.
    DeviceLost,
    /// The driver returned a result that valid use does not cause.
    Driver,
}

/// An error with its message.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

/// The result type of this layer.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    /// The error for the Vulkan function `call`, which returned `result`.
    pub(crate) fn of(call: &str, result: vk::Result) -> Error {
        let kind = match result {
            vk::Result::ERROR_OUT_OF_DEVICE_MEMORY => ErrorKind::OutOfDeviceMemory,
            vk::Result::ERROR_OUT_OF_HOST_MEMORY => ErrorKind::OutOfHostMemory,
            vk::Result::ERROR_DEVICE_LOST => ErrorKind::DeviceLost,
            vk::Result::ERROR_INCOMPATIBLE_DRIVER => ErrorKind::NoDriver,
            _ => ErrorKind::Driver,
        };
        Error::new(kind, format!("{call} failed: {result:?} ({})", result.as_raw()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
