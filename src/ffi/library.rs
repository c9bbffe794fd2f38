//! Section "library" of the header: version, the last error, log.

use super::boundary::{self, Token as _};
use super::status::avx_status;
use crate::runtime::api::label;
use crate::runtime::base::{error, log};
use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

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

/// The version of the library that runs: (major << 22) | (minor << 12) | patch. AVX_GPU_VERSION is that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn avx_version() -> u32 {
    VERSION
}

/// What this thread's last failure (a negative status) was about: the call, the thing, the limit, the request, what to do. UTF-8, never
/// NULL, "" before the first failure. Valid until this thread's next failure. AVX_NOT_READY and AVX_TIMEOUT are no failures and leave it
/// as it is.
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

/// Names what a handle of any kind stands for, for messages and traces: a device, stream, buffer, kernel, event or graph (of a stream
/// that records: its graph). The text is copied, and cut where it is long. NULL takes the label away: a device is then called as its
/// GPU, a stream "stream N", a kernel as its entry point. Work that was queued before keeps the kernel's old name.
/// AVX_ERROR_INVALID_HANDLE for a handle that is NULL, stale or forged.
///
/// # Safety
/// `label` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_set_label(handle: *const c_void, label: *const c_char) -> avx_status {
    boundary::call("avx_set_label", || {
        // SAFETY: `label` is NULL or NUL-terminated, says the caller.
        let text = unsafe { boundary::text(label, "label") }?;
        label::set_label(handle.cast_mut().token(), text)
    })
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
        let sink = unsafe { log_sink(callback, user) };
        log::set_sink(sink, level);
        Ok(())
    })
}

/// This library's version, as avx_version gives it.
const VERSION: u32 = {
    const fn number(text: &str) -> u32 {
        let (bytes, mut value, mut i) = (text.as_bytes(), 0, 0);
        while i < bytes.len() {
            value = value * 10 + (bytes[i] - b'0') as u32;
            i += 1;
        }
        value
    }
    number(env!("CARGO_PKG_VERSION_MAJOR")) << 22 | number(env!("CARGO_PKG_VERSION_MINOR")) << 12 | number(env!("CARGO_PKG_VERSION_PATCH"))
};

/// A user's log callback as the runtime's sink.
///
/// # Safety
/// `callback` can be called with `user` from any thread until it is replaced.
unsafe fn log_sink(callback: avx_log_callback, user: *mut c_void) -> Option<log::Sink> {
    struct User(*mut c_void);
    // SAFETY: the caller of avx_set_log promises that the callback may be called with it from any thread.
    unsafe impl Send for User {}
    // SAFETY: as above.
    unsafe impl Sync for User {}
    let callback = callback?;
    let user = User(user);
    Some(Arc::new(move |level: log::Level, line: &str| {
        let user = &user;
        if let Ok(line) = CString::new(line.replace('\0', "\u{fffd}")) {
            // SAFETY: promised by the caller of avx_set_log; `line` lives through the call.
            unsafe { callback(level as i32, line.as_ptr(), user.0) };
        }
    }))
}
