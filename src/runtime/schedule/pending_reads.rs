//! Reads that wait for the GPU: what avx_read_async has promised.
//!
//! The device copies into staging memory after the work that the bytes depend on. The thread that learns by a wait or a query that the
//! device is done copies the bytes from there into the caller's memory before it goes on. So no thread is kept for it, and the bytes arrive
//! in the caches of the thread that asked.

use super::hazard::QueueSeqs;
use super::staging::Chunk;
use std::mem::MaybeUninit;

/// Where the bytes come from.
pub(crate) enum Source {
    /// A chunk of the ring for small reads.
    Small(Chunk),
    /// Memory that was allocated for this read alone.
    Own(Chunk),
}

/// Bytes that the device copies, and the place where they go.
pub(crate) struct PendingRead {
    pub(crate) source: Source,
    /// The caller's memory. It belongs to the library until the bytes are there.
    pub(crate) into: &'static mut [MaybeUninit<u8>],
    pub(crate) queue: u8,
    pub(crate) submission: u64,
}

/// The pending reads of a device.
#[derive(Default)]
pub(crate) struct PendingReads {
    waiting: Vec<PendingRead>,
    /// The number of threads that are copying some of them now.
    pub(crate) busy: usize,
}

impl PendingReads {
    /// True if no read is pending and no thread is copying one.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.busy == 0
    }

    pub(crate) fn add(&mut self, read: PendingRead) {
        self.waiting.push(read);
    }

    /// Takes out the reads whose submissions are done.
    pub(crate) fn take_done(&mut self, done: &QueueSeqs) -> Vec<PendingRead> {
        self.waiting.extract_if(.., |d| d.submission <= done[usize::from(d.queue)]).collect()
    }
}
