//! The messages of requests that cannot be served: what was requested, what the device has, and what to do.

use super::{AllocationRequest, MAX_ALIGNMENT, Memory, MemoryKind};
use crate::vulkan::error::{Error, ErrorKind};

impl Memory {
    /// The error for an invalid alignment.
    pub(super) fn bad_alignment(kind: MemoryKind, align: u64, label: &str) -> Error {
        let text = format!(
            "{} memory for \"{label}\": the requested alignment is {align}, but an alignment must be a power of \
             two up to {MAX_ALIGNMENT}, or 0 for an alignment that suits every use",
            kind.name()
        );
        Error::new(ErrorKind::Invalid, text)
    }

    /// The error for a size beyond the largest VkBuffer.
    pub(super) fn over_buffer_size(&self, kind: MemoryKind, size: u64, label: &str) -> Error {
        let text = format!(
            "{} memory for \"{label}\": {} requested, but a buffer on this device can have at most {} (maxBufferSize); use several buffers",
            kind.name(),
            bytes(size),
            bytes(self.max_buffer_size)
        );
        Error::new(ErrorKind::Limit, text)
    }

    /// The error for a size beyond every heap.
    pub(super) fn over_heaps(&self, kind: MemoryKind, size: u64, label: &str) -> Error {
        let text = format!(
            "{} memory for \"{label}\": {} requested, which is more than the whole memory: {}; use smaller buffers and process \
             the data in parts",
            kind.name(),
            bytes(size),
            self.describe(kind)
        );
        Error::new(ErrorKind::Limit, text)
    }

    /// The error for a request that failed with `cause`, after all kept memory was returned where that could help.
    pub(super) fn refused(&self, request: &AllocationRequest<'_>, cause: &Error) -> Error {
        let heaps = self.describe(request.kind);
        let (usage, count) = {
            let state = self.state();
            (state.usage, state.block_count)
        };
        let seems_free = self.candidates[request.kind.index()].iter().any(|&memory_type| {
            let heap = usage.heaps()[self.heap_of(memory_type)];
            request.room <= heap.size.saturating_sub(heap.reserved)
        });
        let (kind, why) = match cause.kind {
            ErrorKind::Limit => (
                ErrorKind::Limit,
                format!(
                    "the library holds {count} memory allocations and the driver allows {} (maxMemoryAllocationCount); free large buffers, \
                     or use fewer ({cause})",
                    self.max_block_count
                ),
            ),
            ErrorKind::OutOfHostMemory => {
                (ErrorKind::OutOfHostMemory, format!("there is no host memory left for the request; {heaps} ({cause})"))
            }
            ErrorKind::NotMapped => (
                ErrorKind::NotMapped,
                format!(
                    "the driver allocated the memory and could not map it into the address space of this process (vkMapMemory); look at \
                     the limit of the address space (ulimit -v), or use fewer or smaller upload and readback buffers ({cause})"
                ),
            ),
            ErrorKind::OutOfDeviceMemory if request.room > self.max_allocation_size && seems_free => (
                ErrorKind::Limit,
                format!(
                    "the driver, which allows allocations of up to {} (maxMemoryAllocationSize), failed to allocate this much; \
                     {heaps}; use several buffers",
                    bytes(self.max_allocation_size)
                ),
            ),
            ErrorKind::OutOfDeviceMemory => (
                ErrorKind::OutOfDeviceMemory,
                format!(
                    "the driver has no memory left; {heaps}; free buffers, use smaller ones, or look for other programs that use this \
                     device ({cause})"
                ),
            ),
            other => (other, format!("the driver failed: {cause}")),
        };
        let (name, label, size) = (request.kind.name(), request.label, bytes(request.size));
        Error::new(kind, format!("{name} memory for \"{label}\": {size} requested, but {why}"))
    }

    /// The heaps that serve `kind`, as text.
    fn describe(&self, kind: MemoryKind) -> String {
        let state = self.state();
        let (mut text, mut seen) = (String::new(), 0u32);
        for &memory_type in &self.candidates[kind.index()] {
            let index = self.heap_of(memory_type);
            if seen & (1 << index) != 0 {
                continue;
            }
            seen |= 1 << index;
            let heap = state.usage.heaps()[index];
            let comma = if text.is_empty() { "" } else { ", " };
            let owner = if heap.device_local { "device" } else { "host" };
            let (size, used, reserved) = (bytes(heap.size), bytes(heap.used), bytes(heap.reserved));
            text.push_str(&format!("{comma}heap {index} ({owner}) of {size}, where the library holds {reserved} and uses {used}"));
            let slabs = state.slabs.iter().zip(&self.types).filter(|(_, t)| usize::from(t.heap) == index);
            let free = slabs.map(|(slabs, _)| slabs.largest_free()).max().unwrap_or(0);
            if free > 0 {
                text.push_str(&format!(" (the largest free piece held: {})", bytes(free)));
            }
        }
        text
    }
}

/// A number of bytes for a message, rounded and exact.
fn bytes(count: u64) -> String {
    let (unit, name) = match count {
        0..0x400 => return format!("{count} bytes"),
        0x400..0x10_0000 => (1u64 << 10, "KiB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    format!("{:.1} {name} ({count} bytes)", count as f64 / unit as f64)
}
