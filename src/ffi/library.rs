//! Section "library" of the header: version, the last error, log.

use super::boundary::{self, Token as _};
use super::status::avx_status;
use crate::runtime::api::label;
use crate::runtime::base::{error, log};
use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

/// What lies behind an avx_device. Handles are names that the library looks up, never addresses.
pub struct avx_device_t;
/// One physical device, opened: its queues, memory, kernels and caches. Several may be open, also of the same GPU.
pub type avx_device = *mut avx_device_t;

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

/// One line of the log. Later versions of the library may append members: a callback reads those that lie within struct_size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_log_record {
    /// Bytes of the record, as the library fills it.
    pub struct_size: u32,
    /// AVX_LOG_ERROR ... AVX_LOG_DEBUG.
    pub level: i32,
    /// The line: UTF-8 without a line break, never NULL.
    pub message: *const c_char,
    /// The device that the line is about; NULL if it is about none, or about a device that avx_create has not given yet.
    pub device: avx_device,
    /// The label of the kernel that reported it (AVX_KERNEL_DEBUG); NULL for other lines.
    pub kernel: *const c_char,
    /// 1 if one invocation of the kernel reported it, and `invocation` says which.
    pub has_invocation: u32,
    /// The global invocation id; zeros without has_invocation.
    pub invocation: [u32; 3],
}

/// Receives one line of the log. The record and its texts are valid during the call. The library calls it on threads that are inside a
/// call of the library, with no lock held, one line at a time per thread. A callback may call avx_version, avx_status_name,
/// avx_last_error and avx_last_error_copy; every other function gives AVX_ERROR_IN_CALLBACK there. It must not unwind.
pub type avx_log_callback = Option<unsafe extern "C" fn(record: *const avx_log_record, user: *mut c_void)>;

/// The version of the library that runs, made as by AVX_GPU_MAKE_VERSION. AVX_GPU_VERSION is that of the header.
#[unsafe(export_name = "avx_gpu_version")]
pub extern "C" fn avx_version() -> u32 {
    VERSION
}

/// What this thread's last failure (a negative status) was about: the call, the thing, the limit, the request, what to do. The text
/// is UTF-8 and never NULL, "" before the first failure, and valid until this thread's next failure. AVX_NOT_READY and AVX_TIMEOUT
/// are no failures and leave it as it is.
#[unsafe(export_name = "avx_gpu_last_error")]
pub extern "C" fn avx_last_error() -> *const c_char {
    boundary::last_error_pointer()
}

/// Copies the text of avx_last_error to `buffer`, cut at a character's boundary to fit and always NUL-terminated when `capacity` is
/// not 0, for languages whose tasks wander between threads (call it on the thread that failed). `length`, which may be NULL, gets
/// the bytes of the whole text without its NUL. `buffer` may be NULL if `capacity` is 0, else the call gives
/// AVX_ERROR_INVALID_ARGUMENT. It leaves the last error as it is, and works in log callbacks.
///
/// # Safety
/// `buffer` holds `capacity` bytes.
#[unsafe(export_name = "avx_gpu_last_error_copy")]
pub unsafe extern "C" fn avx_last_error_copy(buffer: *mut c_char, capacity: u64, length: *mut u64) -> avx_status {
    // SAFETY: the caller promises `capacity` writable bytes at `buffer` and NULL or a valid `length`.
    unsafe { boundary::last_error_copy(buffer, capacity, length) }
}

/// Names what a handle of any kind stands for, for messages and traces: a device, stream, buffer, kernel, event or graph (of a
/// stream that records: its graph). The text is copied, and cut where it is long. `label` may be NULL, which takes the label away:
/// a device is then called as its GPU, a stream "stream N", a kernel as its entry point. Work that was queued before keeps the
/// kernel's old name.
///
/// # Safety
/// `label` is NULL or NUL-terminated.
#[unsafe(export_name = "avx_gpu_set_label")]
pub unsafe extern "C" fn avx_set_label(handle: *const c_void, label: *const c_char) -> avx_status {
    boundary::call("avx_set_label", || {
        // SAFETY: `label` is NULL or NUL-terminated, says the caller.
        let text = unsafe { boundary::text(label, "label") }?;
        label::set_label(handle.cast_mut().token(), text)
    })
}

/// Sends log lines up to `level` (AVX_LOG_...) to `callback`, for the whole process: the lines about no device, and those about
/// devices that have no callback of their own (avx_device_options). `callback` and `user` may be NULL; without a callback the lines
/// stop, and when the call returns none is running. May block, while a callback runs. Without a callback the environment's
/// AVX_GPU_LOG=error|warn|info|debug prints the lines to stderr. What kernels made with AVX_KERNEL_DEBUG report is delivered
/// whatever the level, and printed to stderr where there is no callback. So is, unless AVX_GPU_LOG is off or error, a warning about a
/// variable AVX_GPU_LOG, _QUEUES, _TRACE or _DEBUG_BYTES whose value cannot be used. What the validation layer says is about no device.
/// AVX_ERROR_INVALID_ARGUMENT for an unknown level.
///
/// # Safety
/// `callback` can be called with `user` from any thread until it is replaced.
#[unsafe(export_name = "avx_gpu_set_log")]
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
/// `callback` can be called with `user` from any thread until it is replaced, or its device closed.
pub(super) unsafe fn log_sink(callback: avx_log_callback, user: *mut c_void) -> Option<log::Sink> {
    struct User(*mut c_void);
    // SAFETY: the caller promises that the callback may be called with it from any thread.
    unsafe impl Send for User {}
    // SAFETY: as above.
    unsafe impl Sync for User {}
    let callback = callback?;
    let user = User(user);
    Some(Arc::new(move |line: &log::Record, device| {
        let user = &user;
        let text = |text: &str| CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default();
        let (message, kernel) = (text(&line.text), line.kernel.as_deref().map(text));
        let record = avx_log_record {
            struct_size: size_of::<avx_log_record>() as u32,
            level: line.level as i32,
            message: message.as_ptr(),
            device: avx_device::from_token(device),
            kernel: kernel.as_ref().map_or(std::ptr::null(), |kernel| kernel.as_ptr()),
            has_invocation: line.invocation.is_some().into(),
            invocation: line.invocation.unwrap_or_default(),
        };
        // SAFETY: promised by the caller; the record and its texts live through the call.
        unsafe { callback(&record, user.0) };
    }))
}
