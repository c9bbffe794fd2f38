//! Section "stream" of the header.

use super::boundary::{self, Token as _};
use super::device::avx_device;
use super::library::avx_status;
use crate::runtime::device;

/// What lies behind an avx_stream.
pub struct avx_stream_t;
/// An ordered sequence of work on a device. NULL names the default stream of the device that the call's other handle belongs to.
pub type avx_stream = *mut avx_stream_t;

/// The device's default stream, which NULL also names. It lives as long as the device. Thread-safe.
///
/// # Safety
/// `stream` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_default_stream(device: avx_device, stream: *mut avx_stream) -> avx_status {
    boundary::call("avx_default_stream", || {
        // SAFETY: `stream` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(stream, "stream") }?;
        out.set(avx_stream::from_token(device::default_stream(device.token())?));
        Ok(())
    })
}
