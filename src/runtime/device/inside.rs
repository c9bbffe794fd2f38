//! A call that is inside a device.

use crate::runtime::api::device::Device;
use crate::runtime::base::error::{Error, Result, Status};
use std::ops::Deref;
use std::sync::Arc;

/// A device, kept from being destroyed for the length of a call.
pub(crate) struct Inside(Arc<Device>);

impl Device {
    /// Lets a call in, if the device is not being destroyed.
    pub(crate) fn enter(self: Arc<Self>) -> Result<Inside> {
        let is_open = self.calls.enter();
        let inside = Inside(self);
        if !is_open {
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
        self.0.calls.leave();
    }
}
