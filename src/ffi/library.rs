//! Section "library" of the header: version, status codes, errors, log.

use super::boundary;
use crate::runtime::{error, log};
use std::ffi::{c_char, c_void};

/// The outcome of a call: 0 done, positive "not yet" (no failure), negative a failure. Numbers are pinned and never reused.
pub type avx_status = i32;

/// Done, or queued.
pub const AVX_OK: avx_status = 0;
/// Asked without waiting, and the work is not finished.
pub const AVX_NOT_READY: avx_status = 1;
/// The wait ended before the work did; the work goes on.
pub const AVX_TIMEOUT: avx_status = 2;

/// A NULL where a value is needed, an unknown constant or flag, a struct_size of no known version, a text that is not UTF-8.
pub const AVX_ERROR_INVALID_ARGUMENT: avx_status = -1;
/// Not a living handle of this kind, or of another device than the rest of the call.
pub const AVX_ERROR_INVALID_HANDLE: avx_status = -2;
/// The range leaves the buffer.
pub const AVX_ERROR_OUT_OF_RANGE: avx_status = -3;
/// The buffer's range is mapped and the call conflicts with that; or the buffer is mapped already.
pub const AVX_ERROR_MAPPED: avx_status = -4;
/// avx_unmap of a buffer that is not mapped.
pub const AVX_ERROR_NOT_MAPPED: avx_status = -5;
/// The call is not allowed inside a log callback.
pub const AVX_ERROR_IN_CALLBACK: avx_status = -6;
/// The device or this version of the library lacks what was asked for; the message names it.
pub const AVX_ERROR_UNSUPPORTED: avx_status = -7;
/// Beyond a limit of the device; the message gives the limit and the request.
pub const AVX_ERROR_LIMIT: avx_status = -8;
/// A verb that owes data (avx_read, avx_map, avx_write) met the device's wait_timeout_ns first; nothing was delivered.
pub const AVX_ERROR_TIMEOUT: avx_status = -9;
/// No device memory of the kind asked for. The device stays usable.
pub const AVX_ERROR_OUT_OF_DEVICE_MEMORY: avx_status = -100;
/// No host memory.
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

/// Log levels: a message is delivered when its level is at most the one set.
pub const AVX_LOG_OFF: i32 = 0;
/// Something failed.
pub const AVX_LOG_ERROR: i32 = 1;
/// Something is likely to be wrong or slow; all that the validation layer says.
pub const AVX_LOG_WARN: i32 = 2;
/// Devices opened and closed, caches used.
pub const AVX_LOG_INFO: i32 = 3;
/// Everything.
pub const AVX_LOG_DEBUG: i32 = 4;

/// Receives one line of log, valid during the call. Runs on threads that are inside an avx_ call, with no lock held, one at a time
/// per thread. It may call avx_version, avx_status_name and avx_last_error alone (all else gives AVX_ERROR_IN_CALLBACK) and must
/// not unwind.
pub type avx_log_callback = Option<unsafe extern "C" fn(level: i32, message: *const c_char, user: *mut c_void)>;

/// The version of the library that runs: (major << 22) | (minor << 12) | patch. AVX_VERSION is that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn avx_version() -> u32 {
    boundary::VERSION
}

/// The name of a status, such as "AVX_ERROR_COMPILE"; "unknown status" for a number that is none. Static text, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn avx_status_name(status: avx_status) -> *const c_char {
    boundary::status_name(status).as_ptr()
}

/// What this thread's last status other than AVX_OK was about: the call, the thing, the limit, the request, what to do. UTF-8,
/// never NULL, "" before the first. Valid until this thread's next status other than AVX_OK.
#[unsafe(no_mangle)]
pub extern "C" fn avx_last_error() -> *const c_char {
    boundary::last_error_pointer()
}

/// Copies the text of avx_last_error, cut at a character's boundary to fit, always NUL-terminated when capacity > 0, for languages
/// whose tasks wander between threads (call it on the thread that failed). `length`, may be NULL: the bytes of the whole text
/// without its NUL. Gives AVX_OK, or AVX_ERROR_INVALID_ARGUMENT if buffer is NULL and capacity is not 0; keeps the last error.
///
/// # Safety
/// `buffer` holds `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_last_error_copy(buffer: *mut c_char, capacity: u64, length: *mut u64) -> avx_status {
    // SAFETY: the caller promises `capacity` writable bytes at `buffer` and NULL or a valid `length`.
    unsafe { boundary::last_error_copy(buffer, capacity, length) }
}

/// Sends log lines up to `level` (AVX_LOG_...) to `callback`, for the whole process; NULL stops them, and when that returns no
/// callback is running. Without a callback the environment's AVX_GPU_LOG=error|warn|info|debug prints them to stderr. What kernels
/// made with AVX_KERNEL_DEBUG report is delivered whatever the level, and printed to stderr where there is no callback.
/// AVX_ERROR_INVALID_ARGUMENT for an unknown level. Thread-safe.
///
/// # Safety
/// `callback` can be called with `user` from any thread until it is replaced.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_set_log(callback: avx_log_callback, user: *mut c_void, level: i32) -> avx_status {
    boundary::call("avx_set_log", || {
        let level = log::Level::from_number(level)
            .ok_or_else(|| error::invalid(format!("level {level} is none of AVX_LOG_OFF (0) to AVX_LOG_DEBUG (4)")))?;
        // SAFETY: the caller promises that the pair may be called from any thread until it is replaced.
        let sink = unsafe { boundary::log_sink(callback, user) };
        log::set_sink(sink, level);
        Ok(())
    })
}
