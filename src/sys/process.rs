//! What has become of the process, in one word that every call reads.

use std::sync::atomic::{AtomicU8, Ordering};

/// A fork made this process after the library was used.
pub(super) const FORKED: u8 = 1;
/// The process is ending. No new call comes in.
pub(super) const ENDING: u8 = 2;
/// The library's exit handler has returned. The driver's own exit handlers may run now, so nothing calls the driver any more.
pub(super) const ENDED: u8 = 4;

static STATE: AtomicU8 = AtomicU8::new(0);

/// Sets a bit, and returns the bits before. It is safe in a signal handler.
pub(super) fn set(bit: u8) -> u8 {
    STATE.fetch_or(bit, Ordering::SeqCst)
}

fn has(bit: u8) -> bool {
    STATE.load(Ordering::Relaxed) & bit != 0
}

/// Whether nothing has happened: the process is neither a fork nor ending.
#[inline]
pub(crate) fn is_alive() -> bool {
    STATE.load(Ordering::Relaxed) == 0
}

/// Whether the process was forked after `watch_forks`, so that the library's threads and the driver's are not in it.
pub(crate) fn forked() -> bool {
    has(FORKED)
}

/// Whether the process is ending.
pub(crate) fn is_ending() -> bool {
    has(ENDING)
}

/// Whether the library's exit handler has returned.
#[cfg(debug_assertions)]
pub(super) fn has_ended() -> bool {
    has(ENDED)
}
