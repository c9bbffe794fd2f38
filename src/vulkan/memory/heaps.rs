//! Facts about the heaps and memory types of a device, and the setup of its memory.

use super::allocation::MemoryLimits;
use super::allocator::Memory;
use super::blocks::NameObject;
use crate::vulkan::device::Device;
use crate::vulkan::error::Result;
use ash::vk;
use std::sync::Arc;

/// Whether the heap is the device's own memory.
pub(crate) fn is_device_local(heap: &vk::MemoryHeap) -> bool {
    heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL)
}

/// Whether the CPU can access the largest device-local heap directly.
pub(crate) fn host_sees_device_memory(memory: &vk::PhysicalDeviceMemoryProperties) -> bool {
    let both = vk::MemoryPropertyFlags::DEVICE_LOCAL | vk::MemoryPropertyFlags::HOST_VISIBLE;
    let local = memory.memory_heaps_as_slice().iter().filter(|h| is_device_local(h)).map(|h| h.size).max();
    memory
        .memory_types_as_slice()
        .iter()
        .filter(|t| t.property_flags.contains(both))
        .any(|t| memory.memory_heaps.get(t.heap_index as usize).map(|h| h.size) == local)
}

/// Whether all memory is the device's own and the CPU can access it.
pub(crate) fn is_unified(memory: &vk::PhysicalDeviceMemoryProperties) -> bool {
    memory.memory_heaps_as_slice().iter().all(is_device_local) && host_sees_device_memory(memory)
}

/// Creates the memory of an open device. It must be dropped before the device.
pub(crate) fn memory_of(device: &Arc<Device>) -> Result<Memory> {
    memory_within(device, &device.snapshot().memory, &limits_of(device, &[device.queue_family()]))
}

/// What the device allows. The buffers are for the queues of `queue_families`.
pub(super) fn limits_of<'a>(device: &Device, queue_families: &'a [u32]) -> MemoryLimits<'a> {
    let snapshot = device.snapshot();
    let limits = snapshot.limits();
    MemoryLimits {
        max_allocation_count: limits.max_memory_allocation_count,
        max_allocation_size: snapshot.max_allocation_size,
        max_buffer_size: snapshot.max_buffer_size,
        storage_alignment: limits.min_storage_buffer_offset_alignment,
        uniform_alignment: limits.min_uniform_buffer_offset_alignment,
        atom_size: limits.non_coherent_atom_size,
        buffer_device_address: device.features().buffer_device_address,
        integrated: is_unified(&snapshot.memory),
        queue_families,
    }
}

/// As `memory_of`, with the given heaps, memory types and limits in place of the device's own.
pub(super) fn memory_within(
    device: &Arc<Device>,
    properties: &vk::PhysicalDeviceMemoryProperties,
    limits: &MemoryLimits<'_>,
) -> Result<Memory> {
    let named = device.clone();
    let name: NameObject = Box::new(move |kind, handle, name| named.set_raw_name(kind, handle, name));
    Memory::new(device.instance().raw(), device.snapshot().handle, device.raw(), properties, limits, Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(heaps: &[(u64, bool)], types: &[(u32, vk::MemoryPropertyFlags)]) -> vk::PhysicalDeviceMemoryProperties {
        let mut memory = vk::PhysicalDeviceMemoryProperties { memory_heap_count: heaps.len() as u32, ..Default::default() };
        for (i, (size, local)) in heaps.iter().enumerate() {
            let flags = if *local { vk::MemoryHeapFlags::DEVICE_LOCAL } else { vk::MemoryHeapFlags::empty() };
            memory.memory_heaps[i] = vk::MemoryHeap { size: *size, flags };
        }
        memory.memory_type_count = types.len() as u32;
        for (i, (heap_index, property_flags)) in types.iter().enumerate() {
            memory.memory_types[i] = vk::MemoryType { heap_index: *heap_index, property_flags: *property_flags };
        }
        memory
    }

    #[test]
    fn unified_and_visible_are_told_apart() {
        let local = vk::MemoryPropertyFlags::DEVICE_LOCAL;
        let visible = vk::MemoryPropertyFlags::HOST_VISIBLE;
        let lavapipe = memory(&[(8 << 30, true)], &[(0, local | visible)]);
        assert!(is_unified(&lavapipe) && host_sees_device_memory(&lavapipe));
        let rebar = memory(&[(80 << 30, true), (64 << 30, false)], &[(0, local), (1, visible), (0, local | visible)]);
        assert!(!is_unified(&rebar) && host_sees_device_memory(&rebar));
        let small_bar = memory(&[(8 << 30, true), (64 << 30, false), (256 << 20, true)], &[(0, local), (2, local | visible)]);
        assert!(!is_unified(&small_bar) && !host_sees_device_memory(&small_bar));
    }
}
