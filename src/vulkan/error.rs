//! What can go wrong below: a kind that the runtime turns into a status, and a sentence for a person.

use ash::vk;
use std::fmt;

/// What sort of failure, as the caller of `vulkan` must tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// No loader or no driver.
    NoDriver,
    /// No device fits the selection.
    NoDevice,
    /// A selector or an option that cannot be understood.
    Invalid,
    /// The device lacks it.
    Unsupported,
    /// Beyond a limit of the device.
    Limit,
    /// The device has no memory left.
    OutOfDeviceMemory,
    /// The host has no memory left.
    OutOfHostMemory,
    /// The device is gone.
    DeviceLost,
    /// A result that valid use should not see.
    Driver,
}

/// A failure with its story.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

/// Results of this layer.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    /// The failure of the Vulkan call `call`.
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
