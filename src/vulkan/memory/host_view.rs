//! The host's view of an allocation: a persistent, coherent mapping. It is only read and written by copies.

use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Bytes of device memory that the host can access. The user keeps the allocation alive, and ensures that neither the GPU nor another
/// thread accesses the same bytes at the same time; the runtime's hazard tracking does that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostView {
    start: NonNull<u8>,
    size: u64,
}

// SAFETY: the mapping belongs to the device, not to a thread; by the type's contract its users order the accesses to the bytes.
unsafe impl Send for HostView {}
// SAFETY: as above.
unsafe impl Sync for HostView {}

impl HostView {
    /// # Safety
    /// `start` points to `size` mapped bytes that stay mapped while the view is used.
    pub(super) unsafe fn new(start: NonNull<u8>, size: u64) -> HostView {
        HostView { start, size }
    }

    /// The address of byte `offset`.
    pub(crate) fn address(self, offset: u64) -> usize {
        self.check(offset, 0);
        self.start.as_ptr().expose_provenance() + offset as usize
    }

    /// Copies `bytes` to `offset`.
    pub(crate) fn write(self, offset: u64, bytes: &[u8]) {
        self.check(offset, bytes.len());
        // SAFETY: the bytes were checked to lie inside the mapping; device memory and the caller's slice are disjoint; by the type's
        // contract nothing else accesses these bytes now.
        unsafe { self.start.as_ptr().add(offset as usize).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// Copies `into.len()` bytes from `offset`.
    pub(crate) fn read(self, offset: u64, into: &mut [MaybeUninit<u8>]) {
        self.check(offset, into.len());
        // SAFETY: as in `write`, with source and destination exchanged.
        unsafe { self.start.as_ptr().add(offset as usize).copy_to_nonoverlapping(into.as_mut_ptr().cast(), into.len()) };
    }

    /// `count` words from `offset`.
    pub(crate) fn words(self, offset: u64, count: usize) -> Vec<u32> {
        let mut words = vec![0_u32; count];
        self.check(offset, size_of_val(words.as_slice()));
        // SAFETY: as in `read`; any bytes are valid words.
        unsafe { self.start.as_ptr().add(offset as usize).copy_to_nonoverlapping(words.as_mut_ptr().cast(), 4 * count) };
        words
    }

    /// Sets `size` bytes from `offset` to zero.
    pub(crate) fn zero(self, offset: u64, size: u64) {
        self.check(offset, size as usize);
        // SAFETY: as in `write`.
        unsafe { self.start.as_ptr().add(offset as usize).write_bytes(0, size as usize) };
    }

    fn check(self, offset: u64, size: usize) {
        assert!(offset <= self.size && size as u64 <= self.size - offset, "{offset}+{size} leaves a mapping of {} bytes", self.size);
    }
}
