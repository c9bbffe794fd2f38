//! Section "event" of the header: points in streams, to poll, to wait for, to time.

use super::boundary::{self, Token as _};
use super::device::avx_device;
use super::status::avx_status;
use super::stream::avx_stream;
use crate::runtime::api::event;
use crate::runtime::base::error::{Result, invalid, out_of_host_memory};
use crate::runtime::base::handle::Token;

/// What lies behind an avx_event.
pub struct avx_event_t;
/// A point in a stream. Not recorded yet, it counts as passed. A wait is for the record that is current at the call, whatever is
/// recorded later.
pub type avx_event = *mut avx_event_t;

/// Makes an event. Thread-safe.
///
/// # Safety
/// `event` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_event_create(device: avx_device, event: *mut avx_event) -> avx_status {
    boundary::call("avx_event_create", || {
        // SAFETY: `event` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(event, "event") }?;
        out.set(avx_event::from_token(event::create(device.token())?));
        Ok(())
    })
}

/// Queues: the event passes when all that was queued on the stream before is done. NULL is the default stream of the event's device.
/// An event may be recorded again and again, on any stream of its device. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn avx_event_record(stream: avx_stream, event: avx_event) -> avx_status {
    boundary::call("avx_event_record", || event::record(stream.token(), event.token()))
}

/// Queues: what is queued on the stream from now on starts after the event, as it is recorded now. The CPU does not wait. Only needed
/// for order that the library cannot see: streams that touch the same bytes are ordered by it. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn avx_stream_wait_event(stream: avx_stream, event: avx_event) -> avx_status {
    boundary::call("avx_stream_wait_event", || event::order_behind(stream.token(), event.token()))
}

/// AVX_OK if the event has passed, AVX_NOT_READY if not. Also returns, once, the error of earlier queued work of the event's stream.
/// Thread-safe; never waits for the device.
#[unsafe(no_mangle)]
pub extern "C" fn avx_event_status(event: avx_event) -> avx_status {
    boundary::call("avx_event_status", || event::query(event.token()))
}

/// Waits, `timeout_ns` nanoseconds at most (AVX_FOREVER: without bound), until the event has passed; AVX_TIMEOUT if it has not. Also
/// returns, once, the error of earlier queued work of the event's stream. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn avx_event_wait(event: avx_event, timeout_ns: u64) -> avx_status {
    boundary::call("avx_event_wait", || event::wait(event.token(), timeout_ns))
}

/// avx_event_wait for the first of `count` events, of any devices; its place goes to `index`. Thread-safe.
///
/// # Safety
/// `events` points to `count` handles; `index` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_event_wait_any(events: *const avx_event, count: u32, timeout_ns: u64, index: *mut u32) -> avx_status {
    boundary::call("avx_event_wait_any", || {
        // SAFETY: `index` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(index, "index") }?;
        // SAFETY: `events` points to `count` handles, says the caller.
        let tokens = unsafe { tokens(events, count) }?;
        out.set(event::wait_any(&tokens, timeout_ns)?);
        Ok(())
    })
}

/// Nanoseconds of the device's time from `start` to `end`, both of one device and passed (AVX_NOT_READY if one has not). Events are as
/// exact as the device's clock. AVX_ERROR_UNSUPPORTED where the queue has no clock.
/// Thread-safe; never waits.
///
/// # Safety
/// `nanoseconds` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_event_elapsed(start: avx_event, end: avx_event, nanoseconds: *mut u64) -> avx_status {
    boundary::call("avx_event_elapsed", || {
        // SAFETY: `nanoseconds` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(nanoseconds, "nanoseconds") }?;
        out.set(event::elapsed(start.token(), end.token())?);
        Ok(())
    })
}

/// Frees an event; NULL does nothing. Waits for it that have begun go on. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn avx_event_free(event: avx_event) -> avx_status {
    boundary::call("avx_event_free", || if event.is_null() { Ok(()) } else { event::free(event.token()) })
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
