//! Which memory types of a device serve which kind of memory, best first: a pure function of what the driver says.

use ash::vk;
use ash::vk::MemoryPropertyFlags as Flags;

/// What memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryKind {
    /// For kernels. The CPU can reach it only where that costs the GPU nothing.
    Device,
    /// The CPU writes, in order; the GPU reads. On a discrete GPU this is host memory that the GPU reads over the bus.
    Upload,
    /// The GPU writes; the CPU reads, through its caches.
    Readback,
}

impl MemoryKind {
    /// Every kind, in the order of `index`.
    pub(crate) const ALL: [MemoryKind; 3] = [MemoryKind::Device, MemoryKind::Upload, MemoryKind::Readback];

    /// Its place in `ALL`.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// What messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            MemoryKind::Device => "device",
            MemoryKind::Upload => "upload",
            MemoryKind::Readback => "readback",
        }
    }
}

/// A pointer from the driver that needs no flush and no invalidate.
pub(crate) const MAPPABLE: Flags = Flags::from_raw(Flags::HOST_VISIBLE.as_raw() | Flags::HOST_COHERENT.as_raw());

/// Memory that cannot hold a plain buffer (protected, lazily allocated), or that the GPU reaches past its caches and so slowly (AMD's
/// device-coherent and device-uncached types), or that other machines' adapters reach (NVIDIA's RDMA type).
pub(super) const NEVER: Flags = Flags::from_raw(
    Flags::PROTECTED.as_raw()
        | Flags::LAZILY_ALLOCATED.as_raw()
        | Flags::DEVICE_COHERENT_AMD.as_raw()
        | Flags::DEVICE_UNCACHED_AMD.as_raw()
        | Flags::RDMA_CAPABLE_NV.as_raw(),
);

/// The memory types for `kind`, best first, out of those whose bit is set in `usable` (what a buffer's memoryTypeBits say).
/// `integrated` devices may put device memory into the host's heap as a last resort: it is the same RAM. Elsewhere that would trade an
/// error for a silent slowdown, so device memory is device-local or nothing. Empty only for a driver that breaks the specification.
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
                // Write-combined host memory first: the CPU streams into it without reading cache lines first. Device-local
                // memory last: behind a small BAR it is scarce, and Device wants it where it is not.
                MemoryKind::Upload => mappable_rank(flags, Flags::DEVICE_LOCAL, Flags::HOST_CACHED)?,
                // Reading without a cache is some fifty times slower, so cached before all else; then not over the bus.
                MemoryKind::Readback => mappable_rank(flags ^ Flags::HOST_CACHED, Flags::HOST_CACHED, Flags::DEVICE_LOCAL)?,
            };
            Some((rank, index as u32))
        })
        .collect();
    // Equal ranks keep the driver's order, which the specification makes one of performance.
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, index)| index).collect()
}

/// The rank of a type for device memory; None for a type that does not serve.
fn device_rank(flags: Flags, full_size: bool, integrated: bool) -> Option<u32> {
    match (flags.contains(Flags::DEVICE_LOCAL), flags.contains(MAPPABLE)) {
        // Resizable BAR or unified memory: the CPU's way in comes for free.
        (true, true) if full_size => Some(0),
        (true, _) if !flags.contains(Flags::HOST_VISIBLE) => Some(1),
        // The window of a small BAR: the last few hundred megabytes of the card.
        (true, _) => Some(2),
        (false, true) if integrated => Some(3),
        (false, _) => None,
    }
}

/// The rank of a type that must be host-visible and coherent: the fewer of the flags that count against it, the better; `worst`
/// outweighs `bad`.
fn mappable_rank(flags: Flags, worst: Flags, bad: Flags) -> Option<u32> {
    flags.contains(MAPPABLE).then(|| 2 * u32::from(flags.contains(worst)) + u32::from(flags.contains(bad)))
}

#[cfg(test)]
mod tests;
