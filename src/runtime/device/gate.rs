//! The calls that are inside a device. Destroying the device lets no other call in and waits for these.

use crate::runtime::base::lock::{Lock, rank};
use std::sync::Condvar;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of calls inside a device, and whether new ones may enter.
#[derive(Default)]
pub(crate) struct CallGate {
    /// Twice the number of calls inside, plus 1 once the device is being destroyed.
    state: AtomicUsize,
    lock: Lock<(), { rank::GATE }>,
    left: Condvar,
}

impl CallGate {
    /// A call enters. False if it must leave again, because the device is being destroyed.
    #[inline]
    pub(crate) fn enter(&self) -> bool {
        self.state.fetch_add(2, Ordering::AcqRel) & 1 == 0
    }

    /// A call leaves.
    #[inline]
    pub(crate) fn leave(&self) {
        if self.state.fetch_sub(2, Ordering::AcqRel) == 3 {
            drop(self.lock.lock());
            self.left.notify_all();
        }
    }

    /// Lets no more calls in, and waits for the calls inside.
    pub(crate) fn close(&self) {
        self.state.fetch_or(1, Ordering::AcqRel);
        let mut guard = self.lock.lock();
        while self.state.load(Ordering::Acquire) != 1 {
            guard = guard.wait(&self.left);
        }
    }
}
