//! The memory of a buffer, with what the scheduler tracks it by.

use crate::runtime::schedule::tracker::BufferId;
use crate::vulkan::{Allocation, HostView, Slice};
use std::ops::Range;

/// See the module. The scheduler owns the allocation and frees it once the GPU has passed it.
#[derive(Clone, Copy)]
pub(crate) struct Storage {
    pub(crate) size: u64,
    /// Where the memory lies. It has exactly the buffer's bytes, rounded up to 4 (allocations are coarser).
    pub(crate) whole: Slice,
    /// The host's view, if it has one.
    pub(crate) host_view: Option<HostView>,
    /// The host reads its view fast.
    pub(crate) cached: bool,
    pub(crate) id: BufferId,
}

impl Storage {
    /// The first `size` bytes of an allocation. `register` has the scheduler track them.
    pub(crate) fn new(size: u64, allocation: Allocation, register: impl FnOnce(Allocation, bool) -> BufferId) -> Storage {
        // Whole words belong to an allocation, so fills and loads of the last element stay inside it.
        let whole = Slice { size: size.next_multiple_of(4).max(4), ..allocation.slice() };
        let (host_view, cached) = (allocation.host_view(), !allocation.write_combined());
        Storage { size, whole, host_view, cached, id: register(allocation, host_view.is_some()) }
    }

    /// The range as the GPU sees it.
    #[inline]
    pub(crate) fn slice(&self, range: &Range<u64>) -> Slice {
        self.whole.part(range.start, range.end - range.start)
    }
}
