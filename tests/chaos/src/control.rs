//! What a test calls in the driver, after it has opened the library by its path as the Vulkan loader has.

use crate::driver::ALIVE;
use crate::entries::{ENTRIES, KINDS};
use crate::plan;
use std::sync::atomic::Ordering;

/// The number of entry points that are watched.
#[unsafe(no_mangle)]
pub extern "C" fn chaos_entry_count() -> u32 {
    ENTRIES.len() as u32
}

/// The name of an entry point: its bytes, without a NUL, and their number at `length`.
///
/// # Safety
/// `length` points at a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chaos_entry_name(entry: u32, length: *mut usize) -> *const u8 {
    let name = ENTRIES[entry as usize].name;
    // SAFETY: by this function's contract.
    unsafe { *length = name.len() };
    name.as_ptr()
}

/// The `index`-th error code that the specification allows for an entry point, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn chaos_entry_code(entry: u32, index: u32) -> i32 {
    ENTRIES[entry as usize].codes.get(index as usize).copied().unwrap_or(0)
}

/// How often an entry point was called since this was asked last.
#[unsafe(no_mangle)]
pub extern "C" fn chaos_take_calls(entry: u32) -> u64 {
    ENTRIES[entry as usize].calls.swap(0, Ordering::Relaxed)
}

/// Lets the call of an entry point that comes after `nth` others fail with `code`, and with `sticky` also those after it.
#[unsafe(no_mangle)]
pub extern "C" fn chaos_arm(entry: u32, nth: u64, code: i32, sticky: bool) {
    plan::arm(entry as usize, nth, code, sticky);
}

/// Lets no further call fail. Returns the number of calls that have failed since `chaos_arm`.
#[unsafe(no_mangle)]
pub extern "C" fn chaos_disarm() -> u64 {
    plan::disarm()
}

/// The number of Vulkan objects of one kind that exist, or -1 if there is no such kind.
#[unsafe(no_mangle)]
pub extern "C" fn chaos_alive(kind: u32) -> i64 {
    if kind as usize >= KINDS { -1 } else { ALIVE[kind as usize].load(Ordering::Relaxed) }
}
