//! Section "event" of the header: points in streams, to poll, to wait for, to time.

use super::boundary::{self, Token as _};
use super::device::avx_device;
use super::sized::{self, Sized32};
use super::status::{avx_status, name_of};
use super::stream::avx_stream;
use crate::runtime::api::event;
use crate::runtime::base::error::{Result, invalid, out_of_host_memory};
use crate::runtime::base::handle::Token;
use std::ffi::c_char;

/// What lies behind an avx_event.
pub struct avx_event_t;
/// A point in a stream. An event that was not recorded yet counts as passed. A wait is for the record that is current at the call,
/// whatever is recorded later.
///
/// A record keeps the first failure of the work that was queued on its stream before it, unless a call has returned that failure before
/// the record was made. avx_event_status, avx_event_wait and avx_event_wait_any return the failure each time that they are called for the
/// record, on every thread, until the event is recorded anew, and avx_event_message gives its text. What a stream or a device returns
/// once (avx_stream_synchronize, avx_stream_status, avx_read, avx_device_synchronize) is a separate account: neither uses up the other.
pub type avx_event = *mut avx_event_t;

/// Options of avx_event_create. Zero means the default in every field but struct_size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_event_options {
    /// sizeof(avx_event_options)
    pub struct_size: u32,
    /// Zero.
    pub flags: u32,
    /// The event's name in messages and traces. NULL: none.
    pub label: *const c_char,
}

/// Makes an event, not recorded yet. `options` may be NULL.
///
/// # Safety
/// `options` is NULL or points to its struct_size bytes with NUL-terminated texts; `event` is NULL or writable.
#[unsafe(export_name = "avx_gpu_event_create")]
pub unsafe extern "C" fn avx_event_create(device: avx_device, options: *const avx_event_options, event: *mut avx_event) -> avx_status {
    boundary::call("avx_event_create", || {
        // SAFETY: `event` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(event, "event") }?;
        // SAFETY: `options` is NULL or points to its struct_size bytes, its texts NUL-terminated, says the caller.
        let label = unsafe { sized::optional(options, "options")?.map_or(Ok(None), |o| boundary::label(o.flags, o.label)) }?;
        out.set(avx_event::from_token(event::create(device.token(), label)?));
        Ok(())
    })
}

/// Queues: the event passes when all that was queued on the stream before is done. NULL is the default stream of the event's
/// device. An event may be recorded again and again, on any stream of its device. AVX_ERROR_UNSUPPORTED on a stream that records a
/// graph.
#[unsafe(export_name = "avx_gpu_event_record")]
pub extern "C" fn avx_event_record(stream: avx_stream, event: avx_event) -> avx_status {
    boundary::call("avx_event_record", || event::record(stream.token(), event.token()))
}

/// Queues: what is queued on the stream from now on starts after the event, as it is recorded now. The CPU does not wait. Only
/// needed for order that the library cannot see, as it orders streams that touch the same bytes by itself. AVX_ERROR_UNSUPPORTED on
/// a stream that records a graph.
#[unsafe(export_name = "avx_gpu_stream_wait_event")]
pub extern "C" fn avx_stream_wait_event(stream: avx_stream, event: avx_event) -> avx_status {
    boundary::call("avx_stream_wait_event", || event::order_behind(stream.token(), event.token()))
}

/// AVX_OK if the event has passed, AVX_NOT_READY if not, and the failure of the record if it has passed and the work before it failed.
/// Never waits for the device.
#[unsafe(export_name = "avx_gpu_event_status")]
pub extern "C" fn avx_event_status(event: avx_event) -> avx_status {
    boundary::call("avx_event_status", || event::query(event.token()))
}

/// Waits, `timeout_ns` nanoseconds at most (AVX_FOREVER: without bound), until the event has passed. AVX_TIMEOUT if it has not,
/// AVX_NOT_READY if it has not and the timeout is 0, and the failure of the record if the work before it failed. May block. When it
/// returns AVX_OK or AVX_ERROR_ASSERTION, the bytes of each avx_read_async before the record are in place.
#[unsafe(export_name = "avx_gpu_event_wait")]
pub extern "C" fn avx_event_wait(event: avx_event, timeout_ns: u64) -> avx_status {
    boundary::call("avx_event_wait", || event::wait(event.token(), timeout_ns))
}

/// avx_event_wait for the first of `count` events, of any devices, that passes. Its place in `events` goes to `index`, which is also
/// written when the result is the failure of that event's record. May block.
///
/// # Safety
/// `events` points to `count` handles; `index` is NULL or writable.
#[unsafe(export_name = "avx_gpu_event_wait_any")]
pub unsafe extern "C" fn avx_event_wait_any(events: *const avx_event, count: u32, timeout_ns: u64, index: *mut u32) -> avx_status {
    boundary::call("avx_event_wait_any", || {
        // SAFETY: `index` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(index, "index") }?;
        // SAFETY: `events` points to `count` handles, says the caller.
        let tokens = unsafe { tokens(events, count) }?;
        let first = event::wait_any(&tokens, timeout_ns)?;
        out.set(first.index);
        first.outcome
    })
}

/// Nanoseconds of the device's time from `start` to `end`, both recorded (AVX_ERROR_INVALID_ARGUMENT if one was not), of one device and
/// passed (AVX_NOT_READY if one has not); 0 if `end` came first. Events are as exact as the device's clock. AVX_ERROR_UNSUPPORTED where
/// the queue has no clock. A record whose work did not reach the device has no time, and its failure is returned; after a failed
/// assertion there is a time. Never waits for the device.
///
/// # Safety
/// `nanoseconds` is NULL or writable.
#[unsafe(export_name = "avx_gpu_event_elapsed")]
pub unsafe extern "C" fn avx_event_elapsed(start: avx_event, end: avx_event, nanoseconds: *mut u64) -> avx_status {
    boundary::call("avx_event_elapsed", || {
        // SAFETY: `nanoseconds` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(nanoseconds, "nanoseconds") }?;
        out.set(event::elapsed(start.token(), end.token())?);
        Ok(())
    })
}

/// The failure of the event's record as text: the status's name, a colon, and the message. It is the failure that a wait or
/// avx_event_status has returned or would return now; on a lost device it is the loss. "" if no failure is known, and for an event that
/// was not recorded yet. Copies at most `capacity` bytes to `buffer`, cut at a character's boundary to fit, and always with a NUL when
/// `capacity` is not 0. `length`, which may be NULL, gets the bytes of the whole text without its NUL. A NULL `buffer` with capacity 0 only
/// asks for the length; AVX_ERROR_INVALID_ARGUMENT if it is NULL and the capacity is not 0. Works on any thread and leaves avx_last_error
/// as it is when it succeeds. Never waits for the device.
///
/// # Safety
/// `buffer` holds `capacity` bytes; `length` is NULL or writable.
#[unsafe(export_name = "avx_gpu_event_message")]
pub unsafe extern "C" fn avx_event_message(event: avx_event, buffer: *mut c_char, capacity: u64, length: *mut u64) -> avx_status {
    boundary::call("avx_event_message", || {
        let failure = event::failure(event.token())?;
        let text = failure.map_or_else(String::new, |e| format!("{}: {}", name_of(e.status), e.message));
        // SAFETY: `buffer` holds `capacity` bytes and `length` is NULL or writable, says the caller.
        unsafe { boundary::copy_text(&text, buffer, capacity, length) }
    })
}

/// Frees an event. Waits for it that have begun go on. NULL does nothing.
#[unsafe(export_name = "avx_gpu_event_free")]
pub extern "C" fn avx_event_free(event: avx_event) -> avx_status {
    boundary::free("avx_event_free", || if event.is_null() { Ok(()) } else { event::free(event.token()) })
}

/// # Safety
/// `events` is NULL or holds `count` handles.
unsafe fn tokens(events: *const avx_event, count: u32) -> Result<Vec<Token>> {
    if count > 0 && events.is_null() {
        return Err(invalid(format!("events is NULL and count is {count}")));
    }
    let mut tokens = Vec::new();
    tokens.try_reserve_exact(count as usize).map_err(|_| out_of_host_memory("handles", count as usize * size_of::<Token>()))?;
    // SAFETY: each index is below the count that the caller gave.
    tokens.extend((0..count as usize).map(|i| unsafe { events.add(i).read_unaligned() }.token()));
    Ok(tokens)
}

// SAFETY: the struct is repr(C) and starts with `struct_size: u32`; all-zero is valid for every field.
unsafe impl Sized32 for avx_event_options {}
