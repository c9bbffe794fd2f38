//! Device memory: allocations of any size and kind, and the ranges that commands work on.
//!
//! | what | files |
//! |---|---|
//! | a range of a buffer, and bytes that the CPU sees | `slice`, `host_view` |
//! | the kinds of memory, and which memory type serves each | `types` |
//! | cutting memory into pieces, without Vulkan | `ranges`, `slabs` |
//! | memory taken from the driver | `blocks` |
//! | what callers give and get | `allocation` |
//! | allocating and freeing, and the messages of refused requests | `allocator` |
//! | the heaps of a device | `heaps` |
//! | the caller's own pages as memory of the device | `import` |

mod allocation;
mod allocator;
mod blocks;
mod heaps;
mod host_view;
mod import;
#[cfg(test)]
mod random;
mod ranges;
mod slabs;
mod slice;
mod types;

pub(crate) use allocation::Allocation;
pub(crate) use allocator::Memory;
pub(crate) use heaps::{host_sees_device_memory, is_device_local, is_unified, memory_of};
pub(crate) use host_view::HostView;
pub(crate) use import::Imported;
pub(crate) use slice::Slice;
pub(crate) use types::MemoryKind;
