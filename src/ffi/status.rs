//! Section "status" of the header: the outcome of a call.

use crate::runtime::base::error::Status;
use std::borrow::Cow;
use std::ffi::{CStr, c_char};

/// The outcome of a call: 0 done, positive "not yet" (no failure), negative a failure. Numbers are pinned and never reused.
pub type avx_status = i32;

/// Done, or queued.
pub const AVX_OK: avx_status = 0;
/// The call asked without waiting (a status, or a wait with a timeout of 0), and the work is not finished.
pub const AVX_NOT_READY: avx_status = 1;
/// The wait ended before the work did; the work goes on.
pub const AVX_TIMEOUT: avx_status = 2;

/// A NULL where a value is needed, an unknown constant or flag, a struct_size of no known version, a text that is not UTF-8.
pub const AVX_ERROR_INVALID_ARGUMENT: avx_status = -1;
/// Not a living handle of this kind, or of another device than the rest of the call.
pub const AVX_ERROR_INVALID_HANDLE: avx_status = -2;
/// The range leaves the buffer.
pub const AVX_ERROR_OUT_OF_RANGE: avx_status = -3;
/// The buffer's range is mapped and the call conflicts with that, or avx_map found the buffer mapped already.
pub const AVX_ERROR_MAPPED: avx_status = -4;
/// avx_unmap of a buffer that is not mapped.
pub const AVX_ERROR_NOT_MAPPED: avx_status = -5;
/// The call is not allowed inside a log callback.
pub const AVX_ERROR_IN_CALLBACK: avx_status = -6;
/// The device or this version of the library lacks what was asked for; the message names it.
pub const AVX_ERROR_UNSUPPORTED: avx_status = -7;
/// Beyond a limit of the device; the message gives the limit and the request.
pub const AVX_ERROR_LIMIT: avx_status = -8;
/// A wait inside avx_read, avx_map or avx_write met the device's wait_timeout_ns. Nothing was delivered; avx_write may have written a part.
pub const AVX_ERROR_TIMEOUT: avx_status = -9;
/// No device memory of the kind asked for. The device stays usable.
pub const AVX_ERROR_OUT_OF_DEVICE_MEMORY: avx_status = -100;
/// No host memory, or no room in the address space of the process for device memory that the CPU is to see. The device stays usable.
pub const AVX_ERROR_OUT_OF_HOST_MEMORY: avx_status = -101;
/// The kernel's text does not compile; the message shows where.
pub const AVX_ERROR_COMPILE: avx_status = -200;
/// The SPIR-V module is malformed.
pub const AVX_ERROR_INVALID_SPIRV: avx_status = -201;
/// No compute entry point of that name, or several and none named.
pub const AVX_ERROR_ENTRY_POINT: avx_status = -202;
/// The arguments of a dispatch do not fit the kernel's interface; the message names the binding.
pub const AVX_ERROR_ARGUMENTS: avx_status = -203;
/// An assertion of a kernel made with AVX_KERNEL_DEBUG did not hold in work queued before; the message names the kernel, the
/// invocation and the assertion. The kernel went on.
pub const AVX_ERROR_ASSERTION: avx_status = -204;
/// No Vulkan loader or no driver on this machine; the message says what to install.
pub const AVX_ERROR_NO_DRIVER: avx_status = -300;
/// There are drivers, but no usable device that fits the selection.
pub const AVX_ERROR_NO_DEVICE: avx_status = -301;
/// The device was lost (reset, removed, watchdog). Sticky: destroy it and create it again.
pub const AVX_ERROR_DEVICE_LOST: avx_status = -302;
/// The driver failed in a way it should not; the message names its call and its result.
pub const AVX_ERROR_DRIVER: avx_status = -303;
/// A bug in this library, caught. Please report the message.
pub const AVX_ERROR_INTERNAL: avx_status = -400;
/// The process is a fork of the one that used the library: use it in the parent, or after exec.
pub const AVX_ERROR_FORKED: avx_status = -401;
/// The process is ending: exit was called or main has returned, and drivers tear themselves down. Functions that free, avx_destroy
/// among them, return AVX_OK instead and leave all to the end of the process.
pub const AVX_ERROR_EXITING: avx_status = -402;

/// The name of a status, such as "AVX_ERROR_COMPILE", or "unknown status" for a number that is none. The text is static and never
/// NULL.
#[unsafe(export_name = "avx_gpu_status_name")]
pub extern "C" fn avx_status_name(status: avx_status) -> *const c_char {
    status_name(status).as_ptr()
}

/// The name of a status of the runtime.
pub(super) fn name_of(status: Status) -> Cow<'static, str> {
    status_name(status as avx_status).to_string_lossy()
}

/// Every status with its name, and the runtime's word for it: the numbers must agree.
macro_rules! statuses {
    ($($name:ident = $status:expr,)*) => {
        /// The name of a status.
        pub(super) fn status_name(status: avx_status) -> &'static CStr {
            match status {
                AVX_OK => c"AVX_OK",
                $($name => {
                    const NAME: &str = concat!(stringify!($name), "\0");
                    CStr::from_bytes_until_nul(NAME.as_bytes()).unwrap_or_default()
                })*
                _ => c"unknown status",
            }
        }
        $(const _: () = assert!($name == $status as i32);)*
    };
}

statuses! {
    AVX_NOT_READY = Status::NotReady,
    AVX_TIMEOUT = Status::Timeout,
    AVX_ERROR_INVALID_ARGUMENT = Status::InvalidArgument,
    AVX_ERROR_INVALID_HANDLE = Status::InvalidHandle,
    AVX_ERROR_OUT_OF_RANGE = Status::OutOfRange,
    AVX_ERROR_MAPPED = Status::Mapped,
    AVX_ERROR_NOT_MAPPED = Status::NotMapped,
    AVX_ERROR_IN_CALLBACK = Status::InCallback,
    AVX_ERROR_UNSUPPORTED = Status::Unsupported,
    AVX_ERROR_LIMIT = Status::Limit,
    AVX_ERROR_TIMEOUT = Status::TimedOut,
    AVX_ERROR_OUT_OF_DEVICE_MEMORY = Status::OutOfDeviceMemory,
    AVX_ERROR_OUT_OF_HOST_MEMORY = Status::OutOfHostMemory,
    AVX_ERROR_COMPILE = Status::Compile,
    AVX_ERROR_INVALID_SPIRV = Status::InvalidSpirv,
    AVX_ERROR_ENTRY_POINT = Status::EntryPoint,
    AVX_ERROR_ARGUMENTS = Status::Arguments,
    AVX_ERROR_ASSERTION = Status::Assertion,
    AVX_ERROR_NO_DRIVER = Status::NoDriver,
    AVX_ERROR_NO_DEVICE = Status::NoDevice,
    AVX_ERROR_DEVICE_LOST = Status::DeviceLost,
    AVX_ERROR_DRIVER = Status::Driver,
    AVX_ERROR_INTERNAL = Status::Internal,
    AVX_ERROR_FORKED = Status::Forked,
    AVX_ERROR_EXITING = Status::Exiting,
}
