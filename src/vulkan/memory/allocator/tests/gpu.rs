//! A device for each test of the allocator, with heaps and limits that the test may change.

use super::super::{Memory, MemoryLimits};
use crate::vulkan::device::Device;
use crate::vulkan::loader::{TestInstance, instance_or_skip, unexpected_messages};
use crate::vulkan::memory::heaps::{limits_of, memory_within};
use ash::vk;
use std::sync::Arc;

/// The first usable device, and the inputs of `Memory::new`.
pub(super) struct Gpu {
    device: Arc<Device>,
    pub(super) properties: vk::PhysicalDeviceMemoryProperties,
    pub(super) limits: MemoryLimits<'static>,
    /// Dropped last, because the layer reports what leaked when the device is destroyed.
    _messages: NoMessages,
    _instance: TestInstance,
}

/// Fails the test at its end if the validation layer had anything to say.
struct NoMessages;

impl Drop for NoMessages {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(unexpected_messages(), []);
        }
    }
}

impl Gpu {
    /// Opens the first usable device, with the validation layer if it is installed. If there is no device, returns `None` and prints the
    /// reason.
    pub(super) fn open() -> Option<Gpu> {
        let instance = instance_or_skip(true).or_else(|| instance_or_skip(false))?;
        let snapshots = instance.snapshots().expect("snapshots");
        let Some(snapshot) = snapshots.iter().find(|snapshot| snapshot.usable.is_ok()) else {
            println!("skipped: no usable device");
            return None;
        };
        let device = Arc::new(Device::open(Arc::clone(&instance), snapshot, false, 1).expect("a device"));
        let limits = limits_of(&device, &[]);
        Some(Gpu { device, properties: snapshot.memory, limits, _messages: NoMessages, _instance: instance })
    }

    /// A Memory of the device. The Memory must be dropped before the device.
    pub(super) fn memory(&self) -> Memory {
        memory_within(&self.device, &self.properties, &self.limits).expect("memory")
    }
}
