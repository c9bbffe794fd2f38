//! The data that `Memory` takes and returns: limits, allocations and accounts.

use super::host_view::HostView;
use super::ranges::Range;
use super::slice::Slice;
use ash::vk;
use std::ptr::NonNull;

/// The largest alignment, in bytes.
pub(crate) const MAX_ALIGNMENT: u64 = 64 << 10;

/// The memory limits of the device beyond `VkPhysicalDeviceMemoryProperties`, and how the device was created.
pub(crate) struct MemoryLimits<'a> {
    /// maxMemoryAllocationCount.
    pub(crate) max_allocation_count: u32,
    /// maxMemoryAllocationSize, in bytes. The driver guarantees this size, but larger allocations may work (on NVIDIA far larger ones). 0:
    /// unknown.
    pub(crate) max_allocation_size: u64,
    /// maxBufferSize (maintenance4), in bytes. No buffer can be larger. 0: unknown.
    pub(crate) max_buffer_size: u64,
    /// minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment and nonCoherentAtomSize, in bytes.
    pub(crate) storage_alignment: u64,
    pub(crate) uniform_alignment: u64,
    pub(crate) atom_size: u64,
    /// Whether the feature bufferDeviceAddress is enabled.
    pub(crate) buffer_device_address: bool,
    /// Whether the device shares its RAM with the host (integrated, or a CPU).
    pub(crate) integrated: bool,
    /// The queue families that will use the buffers, each once. With several families the buffers have the sharing mode CONCURRENT.
    pub(crate) queue_families: &'a [u32],
}

/// A piece of memory inside a VkBuffer. `Memory::free` frees it. If it is dropped instead, its memory is lost until the Memory is dropped.
#[must_use = "give it back with Memory::free"]
pub(crate) struct Allocation {
    pub(super) buffer: vk::Buffer,
    pub(super) offset: u64,
    pub(super) size: u64,
    /// A pointer to at least `size` mapped bytes, if the memory is host-visible and coherent.
    pub(super) pointer: Option<NonNull<u8>>,
    pub(super) memory_type: u8,
    pub(super) heap: u8,
    pub(super) write_combined: bool,
    pub(super) place: Place,
}

/// The location of an allocation.
pub(super) enum Place {
    /// In a slab of its memory type.
    Slab(Range),
    /// In the block of its own with this number.
    Own(u32),
}

// SAFETY: the pointer points to mapped device memory, which no thread owns and which stays mapped until `Memory::free` takes the Allocation
// by value; the other fields are plain data.
unsafe impl Send for Allocation {}
// SAFETY: as above; `&Allocation` has only accessors, so nothing changes through it.
unsafe impl Sync for Allocation {}

impl Allocation {
    /// The VkBuffer that contains the allocation. It has usage for storage, uniform, transfer and indirect, and other allocations share it.
    #[cfg(test)]
    pub(crate) fn buffer(&self) -> vk::Buffer {
        self.buffer
    }

    /// The offset of its first byte in `buffer`, a multiple of the requested alignment and of every alignment that bindings need.
    #[cfg(test)]
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The requested size in bytes. The bytes up to the next multiple of 4 also belong to the allocation.
    #[cfg(test)]
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The address of its first byte for the CPU; `None` if the CPU cannot access it. The mapping is coherent and lasts as long as the
    /// allocation.
    #[cfg(test)]
    pub(crate) fn host_pointer(&self) -> Option<NonNull<u8>> {
        self.pointer
    }

    /// The whole range, for commands.
    pub(crate) fn slice(&self) -> Slice {
        Slice { buffer: self.buffer, offset: self.offset, size: self.size }
    }

    /// The host's view of the whole range, valid as long as the allocation; `None` if the CPU cannot access it.
    pub(crate) fn host_view(&self) -> Option<HostView> {
        // SAFETY: the pointer points to `size` mapped bytes (see the field), which stay mapped until `Memory::free` takes the allocation.
        self.pointer.map(|start| unsafe { HostView::new(start, self.size) })
    }

    /// The heap of the memory.
    pub(crate) fn heap(&self) -> u32 {
        u32::from(self.heap)
    }

    /// Whether reading through `host_pointer` is slow, because the CPU does not cache it. Writing in order is fast.
    pub(crate) fn write_combined(&self) -> bool {
        self.write_combined
    }
}

/// The usage of a heap, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeapUsage {
    /// The size of the heap.
    pub(crate) size: u64,
    /// The total of the sizes that living allocations requested.
    pub(crate) used: u64,
    /// The bytes taken from the driver.
    pub(crate) reserved: u64,
    /// Whether this is the device's own memory; otherwise it is the host's.
    pub(crate) device_local: bool,
}

/// The usage of all heaps at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    heaps: [HeapUsage; vk::MAX_MEMORY_HEAPS],
    count: usize,
}

impl Usage {
    /// Starts with no usage. Every heap number of a memory type has an entry.
    pub(super) fn new(properties: &vk::PhysicalDeviceMemoryProperties) -> Usage {
        let heaps = properties.memory_heaps.map(|heap| HeapUsage {
            size: heap.size,
            device_local: heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL),
            ..HeapUsage::default()
        });
        Usage { heaps, count: properties.memory_heap_count.min(vk::MAX_MEMORY_HEAPS as u32) as usize }
    }

    /// The account of the heap of a memory type. A number beyond the heaps is an error of the driver and gets the last account.
    pub(super) fn heap_mut(&mut self, heap: usize) -> &mut HeapUsage {
        &mut self.heaps[heap.min(vk::MAX_MEMORY_HEAPS - 1)]
    }

    /// The heaps, in the driver's order.
    pub(crate) fn heaps(&self) -> &[HeapUsage] {
        &self.heaps[..self.count]
    }
}
