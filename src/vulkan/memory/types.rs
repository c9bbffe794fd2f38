//! Chooses the memory types of a device for each kind of memory, best first. The choice is a pure function of the memory properties.

use ash::vk;
use ash::vk::MemoryPropertyFlags as Flags;

/// The kinds of memory, by their use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryKind {
    /// Memory for kernels. The CPU can access it only if that does not slow the GPU down.
    Device,
    /// Memory that the CPU writes in order and the GPU reads. On a discrete GPU this is host memory that the GPU reads over the bus.
    Upload,
    /// Memory that the GPU writes and the CPU reads through its caches.
    Readback,
}

impl MemoryKind {
    /// All kinds, in the order of `index`.
    pub(crate) const ALL: [MemoryKind; 3] = [MemoryKind::Device, MemoryKind::Upload, MemoryKind::Readback];

    /// The position in `ALL`.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// The name for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            MemoryKind::Device => "device",
            MemoryKind::Upload => "upload",
            MemoryKind::Readback => "readback",
        }
    }
}

/// The flags of memory that the CPU can access without flush or invalidate.
pub(crate) const MAPPABLE: Flags = Flags::from_raw(Flags::HOST_VISIBLE.as_raw() | Flags::HOST_COHERENT.as_raw());

/// The flags of memory that is never used: it cannot hold a plain buffer (protected, lazily allocated), the GPU accesses it without its
/// caches and therefore slowly (AMD's device-coherent and device-uncached types), or it is for network adapters (NVIDIA's RDMA type).
pub(super) const NEVER: Flags = Flags::from_raw(
    Flags::PROTECTED.as_raw()
        | Flags::LAZILY_ALLOCATED.as_raw()
        | Flags::DEVICE_COHERENT_AMD.as_raw()
        | Flags::DEVICE_UNCACHED_AMD.as_raw()
        | Flags::RDMA_CAPABLE_NV.as_raw(),
);

/// The memory types for `kind`, best first, out of those whose bit is set in `usable`, which are a buffer's memoryTypeBits. On `integrated`
/// devices the host's heap is the last resort for device memory, because it is the same RAM. On other devices that would turn an error into
/// a silent slowdown, so device memory is always device-local there. The list is empty only for a driver that violates the specification.
pub(crate) fn candidates(properties: &vk::PhysicalDeviceMemoryProperties, usable: u32, kind: MemoryKind, integrated: bool) -> Vec<u32> {
    let heaps = properties.memory_heaps.get(..properties.memory_heap_count as usize).unwrap_or(&properties.memory_heaps);
    let types = properties.memory_types.get(..properties.memory_type_count as usize).unwrap_or(&properties.memory_types);
    let heap_size = |t: &vk::MemoryType| heaps.get(t.heap_index as usize).map_or(0, |heap| heap.size);
    let is_usable =
        |index: usize, t: &vk::MemoryType| usable & (1 << index) != 0 && !t.property_flags.intersects(NEVER) && heap_size(t) > 0;
    let device_heap = types
        .iter()
        .enumerate()
        .filter(|&(index, t)| is_usable(index, t) && t.property_flags.contains(Flags::DEVICE_LOCAL))
        .map(|(_, t)| heap_size(t))
        .max()
        .unwrap_or(0);

    let mut ranked: Vec<(u32, u32)> = types
        .iter()
        .enumerate()
        .filter(|&(index, t)| is_usable(index, t))
        .filter_map(|(index, t)| {
            let flags = t.property_flags;
            let rank = match kind {
                MemoryKind::Device => device_rank(flags, heap_size(t) >= device_heap, integrated)?,
                // Write-combined host memory comes first, because the CPU streams into it without reading cache lines. Device-local memory
                // comes last: behind a small BAR it is scarce, and without that limit it is better used for device memory.
                MemoryKind::Upload => mappable_rank(flags, Flags::DEVICE_LOCAL, Flags::HOST_CACHED)?,
                // Reading without a cache is some fifty times slower, so cached memory comes first. Memory on the host side of the bus
                // comes next.
                MemoryKind::Readback => mappable_rank(flags ^ Flags::HOST_CACHED, Flags::HOST_CACHED, Flags::DEVICE_LOCAL)?,
            };
            Some((rank, index as u32))
        })
        .collect();
    // Types of equal rank keep the driver's order, which by the specification is an order of performance.
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, index)| index).collect()
}

/// The rank of a type for device memory; `None` if the type is unsuitable.
fn device_rank(flags: Flags, full_size: bool, integrated: bool) -> Option<u32> {
    match (flags.contains(Flags::DEVICE_LOCAL), flags.contains(MAPPABLE)) {
        // This is resizable BAR or unified memory. That the CPU can access it costs nothing.
        (true, true) if full_size => Some(0),
        (true, _) if !flags.contains(Flags::HOST_VISIBLE) => Some(1),
        // This is the window of a small BAR, the last few hundred megabytes of the card.
        (true, _) => Some(2),
        (false, true) if integrated => Some(3),
        (false, _) => None,
    }
}

/// The rank of a type that must be host-visible and coherent. A type is better the fewer of the flags in `bad` and `worst` it has; `worst`
/// outweighs `bad`.
fn mappable_rank(flags: Flags, worst: Flags, bad: Flags) -> Option<u32> {
    flags.contains(MAPPABLE).then(|| 2 * u32::from(flags.contains(worst)) + u32::from(flags.contains(bad)))
}

#[cfg(test)]
mod tests;
