//! Calls that are inside a device: destroying it shuts the door and waits for them.

use crate::runtime::api::device::Device;
use crate::runtime::base::error::{Error, Result, Status};
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// How many calls are inside a device, and whether new ones may enter.
#[derive(Default)]
pub(crate) struct Calls {
    /// Twice the number of calls inside, plus 1 once the device is being destroyed.
    state: AtomicUsize,
    lock: Mutex<()>,
    left: Condvar,
}

impl Calls {
    /// Lets no call in any more and waits for those inside.
    pub(crate) fn close(&self) {
        self.state.fetch_or(1, Ordering::AcqRel);
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.state.load(Ordering::Acquire) != 1 {
            guard = self.left.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A device, kept from being destroyed for the length of a call.
pub(crate) struct Inside(Arc<Device>);

impl Device {
    /// Lets a call in, if the device is not being destroyed.
    pub(crate) fn enter(self: Arc<Self>) -> Result<Inside> {
        let before = self.calls.state.fetch_add(2, Ordering::AcqRel);
        let inside = Inside(self);
        if before & 1 == 1 {
            return Err(Error::new(Status::InvalidHandle, format!("the device '{}' was destroyed", inside.label)));
        }
        Ok(inside)
    }
}

impl Deref for Inside {
    type Target = Arc<Device>;
    fn deref(&self) -> &Arc<Device> {
        &self.0
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let calls = &self.0.calls;
        if calls.state.fetch_sub(2, Ordering::AcqRel) == 3 {
            drop(calls.lock.lock().unwrap_or_else(PoisonError::into_inner));
            calls.left.notify_all();
        }
    }
}
