//! Bytes on their way into the host's memory: what avx_read_async promised.
//!
//! The device copies into staging memory behind the work that the bytes depend on. From there the thread that learns, by a wait or a
//! query, that the device is done takes them into the caller's memory before it goes on; so no thread is kept for it, and the bytes
//! arrive in the caches of the one who asked.

use super::hazard::QueueSeqs;
use super::staging::Chunk;
use std::mem::MaybeUninit;

/// Where the bytes come from.
pub(crate) enum Source {
    /// A chunk of the ring for small reads.
    Small(Chunk),
    /// Memory taken for this alone.
    Own(Chunk),
}

/// Bytes that the device copies, and where they go then.
pub(crate) struct PendingRead {
    pub(crate) source: Source,
    /// The caller's memory, which is the library's until the bytes are there.
    pub(crate) into: &'static mut [MaybeUninit<u8>],
    pub(crate) queue: u8,
    pub(crate) submission: u64,
}

/// All deliveries of a device.
#[derive(Default)]
pub(crate) struct PendingReads {
    waiting: Vec<PendingRead>,
    /// Threads that copy some of them now.
    pub(crate) busy: usize,
}

impl PendingReads {
    /// True if there is nothing to bring home, and nobody does.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.busy == 0
    }

    pub(crate) fn add(&mut self, read: PendingRead) {
        self.waiting.push(read);
    }

    /// Takes out those whose submissions are done.
    pub(crate) fn take_done(&mut self, done: &QueueSeqs) -> Vec<PendingRead> {
        self.waiting.extract_if(.., |d| d.submission <= done[usize::from(d.queue)]).collect()
    }
}
