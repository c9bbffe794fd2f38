//! A call that is inside a device, and the handles of devices.

use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::{HandleKind, Table, Token};
use crate::runtime::base::lock::rank;
use crate::runtime::device::core::Device;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

static DEVICES: Table<Device, { rank::DEVICES }> = Table::new(HandleKind::Device);

/// A device that is kept from being destroyed for the length of a call.
pub(crate) struct DeviceGuard(Arc<Device>);

impl Device {
    /// Lets a call in, if the device is not being destroyed.
    pub(crate) fn enter(self: Arc<Self>) -> Result<DeviceGuard> {
        let is_open = self.gate.enter();
        let guard = DeviceGuard(self);
        if !is_open {
            return Err(Error::new(Status::InvalidHandle, format!("the device '{}' was destroyed", guard.label)));
        }
        Ok(guard)
    }
}

impl Deref for DeviceGuard {
    type Target = Arc<Device>;
    fn deref(&self) -> &Arc<Device> {
        &self.0
    }
}

impl Drop for DeviceGuard {
    fn drop(&mut self) {
        self.0.gate.leave();
    }
}

/// Enters the open device that the token names.
pub(crate) fn enter(token: Token) -> Result<DeviceGuard> {
    DEVICES.get(token)?.enter()
}

/// Names a device.
pub(crate) fn name(device: Arc<Device>) -> Result<Token> {
    DEVICES.insert_with(|_| device)
}

/// Ends the name of a device and returns the device.
pub(crate) fn remove(token: Token) -> Result<Arc<Device>> {
    DEVICES.remove(token)
}

/// Waits until the work in flight of all devices is done, or until `deadline`. No call may be inside a device.
pub(crate) fn wait_for_work(deadline: Instant) {
    DEVICES.for_each(|device| {
        for completion in &device.completions {
            // The end of a wait that fails, as on a lost device, is not waited for.
            while completion.poll().is_ok_and(|done| done < completion.sent()) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    });
}
