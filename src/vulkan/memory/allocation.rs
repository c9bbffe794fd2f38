//! What goes into `Memory` and what comes out: limits, allocations, accounts.

use super::host_view::HostView;
use super::ranges::Range;
use super::slice::Slice;
use ash::vk;
use std::ptr::NonNull;

/// The largest alignment, in bytes.
pub(crate) const MAX_ALIGNMENT: u64 = 64 << 10;

/// What the device says of memory beyond `VkPhysicalDeviceMemoryProperties`, and how it was created.
pub(crate) struct MemoryLimits<'a> {
    /// maxMemoryAllocationCount.
    pub(crate) max_allocation_count: u32,
    /// maxMemoryAllocationSize, in bytes: a promise of the driver, not a bound (NVIDIA gives far more). 0: unknown.
    pub(crate) max_allocation_size: u64,
    /// maxBufferSize (maintenance4), in bytes: a bound. 0: unknown.
    pub(crate) max_buffer_size: u64,
    /// minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment and nonCoherentAtomSize, in bytes.
    pub(crate) storage_alignment: u64,
    pub(crate) uniform_alignment: u64,
    pub(crate) atom_size: u64,
    /// The feature bufferDeviceAddress is enabled.
    pub(crate) buffer_device_address: bool,
    /// The device shares its RAM with the host (integrated, or a CPU).
    pub(crate) integrated: bool,
    /// The queue families that will use the buffers, each once. With more than one the buffers are shared concurrently.
    pub(crate) queue_families: &'a [u32],
}

/// A piece of memory, inside a VkBuffer. Goes back through `Memory::free`; one that is dropped is lost until its Memory ends.
#[must_use = "give it back with Memory::free"]
pub(crate) struct Allocation {
    pub(super) buffer: vk::Buffer,
    pub(super) offset: u64,
    pub(super) size: u64,
    /// Points to `size` mapped bytes at least, if the memory is coherent too.
    pub(super) pointer: Option<NonNull<u8>>,
    pub(super) memory_type: u8,
    pub(super) heap: u8,
    pub(super) write_combined: bool,
    pub(super) place: Place,
}

/// Where an allocation lies.
pub(super) enum Place {
    /// In a slab of its memory type.
    Slab(Range),
    /// In the block of its own with this number.
    Own(u32),
}

// SAFETY: the pointer names mapped device memory, which no thread owns and which stays mapped until `Memory::free` takes the Allocation
// by value; all else is plain data.
unsafe impl Send for Allocation {}
// SAFETY: as above, and nothing behind `&Allocation` changes: it has accessors alone.
unsafe impl Sync for Allocation {}

impl Allocation {
    /// The VkBuffer that it lies in, with usage for storage, uniform, transfer and indirect, shared with other allocations.
    #[cfg(test)]
    pub(crate) fn buffer(&self) -> vk::Buffer {
        self.buffer
    }

    /// Its first byte in `buffer`: a multiple of the alignment asked for and of every alignment that bindings need.
    #[cfg(test)]
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes asked for. The bytes from there up to the next multiple of 4 are its own too.
    #[cfg(test)]
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Its first byte as the CPU sees it, mapped as long as the allocation lives and coherent; None if the CPU cannot reach it.
    #[cfg(test)]
    pub(crate) fn host_pointer(&self) -> Option<NonNull<u8>> {
        self.pointer
    }

    /// All of it, for commands.
    pub(crate) fn slice(&self) -> Slice {
        Slice { buffer: self.buffer, offset: self.offset, size: self.size }
    }

    /// All of it as the host sees it, valid as long as the allocation lives; None where `host_pointer` is.
    pub(crate) fn host_view(&self) -> Option<HostView> {
        // SAFETY: a pointer names `size` mapped bytes (see the field), and they stay mapped until `Memory::free` takes the allocation.
        self.pointer.map(|start| unsafe { HostView::new(start, self.size) })
    }

    /// The heap it lies in.
    pub(crate) fn heap(&self) -> u32 {
        u32::from(self.heap)
    }

    /// Reading through `host_pointer` is slow, because the CPU does not cache it; writing in order is fast.
    pub(crate) fn write_combined(&self) -> bool {
        self.write_combined
    }
}

/// Bytes of one heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeapUsage {
    /// Of the heap.
    pub(crate) size: u64,
    /// Asked for by living allocations.
    pub(crate) used: u64,
    /// Taken from the driver.
    pub(crate) reserved: u64,
    /// The device's own memory; else the host's.
    pub(crate) device_local: bool,
}

/// What is used of each heap, all at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    heaps: [HeapUsage; vk::MAX_MEMORY_HEAPS],
    count: usize,
}

impl Usage {
    /// Nothing used yet. Every heap number of a memory type names an entry afterwards.
    pub(super) fn new(properties: &vk::PhysicalDeviceMemoryProperties) -> Usage {
        let heaps = properties.memory_heaps.map(|heap| HeapUsage {
            size: heap.size,
            device_local: heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL),
            ..HeapUsage::default()
        });
        Usage { heaps, count: properties.memory_heap_count.min(vk::MAX_MEMORY_HEAPS as u32) as usize }
    }

    /// The account of a heap that a memory type named; a number beyond the heaps is a driver's error and gets the last.
    pub(super) fn heap_mut(&mut self, heap: usize) -> &mut HeapUsage {
        &mut self.heaps[heap.min(vk::MAX_MEMORY_HEAPS - 1)]
    }

    /// The heaps, in the driver's order.
    pub(crate) fn heaps(&self) -> &[HeapUsage] {
        &self.heaps[..self.count]
    }
}
