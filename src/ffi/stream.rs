//! Section "stream" of the header.

use super::boundary::{self, Token as _};
use super::device::avx_device;
use super::sized::{self, Sized32};
use super::status::avx_status;
use crate::runtime::api::{device, stream};
use std::ffi::c_char;

/// What lies behind an avx_stream.
pub struct avx_stream_t;
/// An ordered sequence of work on a device: it takes effect in the order of the calls. NULL names the default stream of the device
/// that the call's other handle belongs to. Streams that touch the same bytes, one of them writing, are ordered by the library; what
/// is independent overlaps on the device's queues.
pub type avx_stream = *mut avx_stream_t;

/// Options of avx_stream_create. Zero means the default in every field but struct_size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_stream_options {
    /// sizeof(avx_stream_options)
    pub struct_size: u32,
    /// Zero.
    pub flags: u32,
    /// The stream's name in messages and traces. NULL: "stream N".
    pub label: *const c_char,
}

/// The device's default stream, which NULL also names. It lives as long as the device.
///
/// # Safety
/// `stream` is NULL or writable.
#[unsafe(export_name = "avx_gpu_device_default_stream")]
pub unsafe extern "C" fn avx_device_default_stream(device: avx_device, stream: *mut avx_stream) -> avx_status {
    boundary::call("avx_device_default_stream", || {
        // SAFETY: `stream` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(stream, "stream") }?;
        out.set(avx_stream::from_token(device::default_stream(device.token())?));
        Ok(())
    })
}

/// Makes a stream. `options` may be NULL. Streams are cheap: those beyond the device's queues share them.
///
/// # Safety
/// `options` is NULL or points to its struct_size bytes with NUL-terminated texts; `stream` is NULL or writable.
#[unsafe(export_name = "avx_gpu_stream_create")]
pub unsafe extern "C" fn avx_stream_create(device: avx_device, options: *const avx_stream_options, stream: *mut avx_stream) -> avx_status {
    boundary::call("avx_stream_create", || {
        // SAFETY: `stream` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(stream, "stream") }?;
        // SAFETY: `options` is NULL or points to its struct_size bytes, its texts NUL-terminated, says the caller.
        let label = unsafe { sized::optional(options, "options")?.map_or(Ok(None), |o| boundary::label(o.flags, o.label)) }?;
        out.set(avx_stream::from_token(stream::create(device.token(), label)?));
        Ok(())
    })
}

/// Frees a stream; what is queued on it goes on. A stream that records gives its recording up. NULL does nothing.
/// AVX_ERROR_INVALID_ARGUMENT for the default stream.
#[unsafe(export_name = "avx_gpu_stream_free")]
pub extern "C" fn avx_stream_free(stream: avx_stream) -> avx_status {
    boundary::free("avx_stream_free", || if stream.is_null() { Ok(()) } else { stream::free(stream.token()) })
}

/// Waits, `timeout_ns` nanoseconds at most (AVX_FOREVER: without bound), until all that was queued on the stream before is done.
/// AVX_TIMEOUT if it is not done by then, AVX_NOT_READY if it is not done and the timeout is 0. It also returns, once, the failure
/// of earlier queued work of the stream, such as AVX_ERROR_ASSERTION. NULL is refused, and so is a stream that records
/// (AVX_ERROR_UNSUPPORTED). May block.
#[unsafe(export_name = "avx_gpu_stream_synchronize")]
pub extern "C" fn avx_stream_synchronize(stream: avx_stream, timeout_ns: u64) -> avx_status {
    boundary::call("avx_stream_synchronize", || stream::synchronize(stream.token(), timeout_ns))
}

/// AVX_OK if all that was queued on the stream is done, AVX_NOT_READY if it is not, or, once, the failure of earlier queued work of
/// the stream, such as AVX_ERROR_ASSERTION. NULL is refused, and so is a stream that records (AVX_ERROR_UNSUPPORTED). Never waits
/// for the device.
#[unsafe(export_name = "avx_gpu_stream_status")]
pub extern "C" fn avx_stream_status(stream: avx_stream) -> avx_status {
    boundary::call("avx_stream_status", || stream::status(stream.token()))
}

/// Submits what is held back of the stream. No program needs it: held-back work goes by itself when the device drains. NULL is
/// refused, and so is a stream that records (AVX_ERROR_UNSUPPORTED).
#[unsafe(export_name = "avx_gpu_stream_flush")]
pub extern "C" fn avx_stream_flush(stream: avx_stream) -> avx_status {
    boundary::call("avx_stream_flush", || stream::flush(stream.token()))
}

// SAFETY: the struct is repr(C) and starts with `struct_size: u32`; all-zero is valid for every field.
unsafe impl Sized32 for avx_stream_options {}
