//! Reads that wait for the GPU: what avx_read_async has promised.
//!
//! The device copies into staging memory after the work that the bytes depend on. The thread that learns by a wait or a query that the
//! device is done copies the bytes from there into the caller's memory before it goes on. A call that queues more reads delivers what is
//! done as well. So no thread is kept for it. One thread delivers at a time, so that of two reads into the same memory the later one has
//! the last word.

use super::hazard::{MAX_QUEUES, QueueSeqs};
use super::staging::{Chunk, in_arena};
use crate::vulkan::HostView;
use std::collections::VecDeque;
use std::mem::MaybeUninit;

/// The most bytes of staging memory that reads in flight take together. A read beyond that waits until enough earlier ones are delivered.
/// The documentation of avx_read_async names the number.
pub(crate) const MAX_BYTES: u64 = 1 << 30;
/// After so many bytes of queued reads, the queueing call asks the device what is done and delivers it.
const LOOK_BYTES: u64 = 1 << 20;

/// Where the bytes come from.
pub(crate) enum Source {
    /// Bytes at an offset of an arena's chunk, which stays in the arena.
    Arena(HostView, u64),
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
    /// The reads of each queue in the order of their submissions, which is the order in which they are done.
    waiting: [VecDeque<PendingRead>; MAX_QUEUES],
    /// While a thread delivers reads, for each queue the first submission of those.
    delivering: Option<QueueSeqs>,
    /// The staging memory of all reads, also of those whose calls are about to queue them.
    bytes: u64,
    /// The bytes that were queued since the device was asked last.
    since_look: u64,
}

impl PendingReads {
    /// True if no read is pending and no thread is delivering one.
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_delivering() && self.waiting.iter().all(VecDeque::is_empty)
    }

    /// True while a thread delivers reads.
    pub(crate) fn is_delivering(&self) -> bool {
        self.delivering.is_some()
    }

    /// Counts the staging memory of a read of `size` bytes. False if there is no room for it now. There is room for one read of any size.
    pub(crate) fn reserve(&mut self, size: u64) -> bool {
        let size = in_arena(size);
        let has_room = self.is_empty() || self.bytes.saturating_add(size) <= MAX_BYTES;
        if has_room {
            self.bytes = self.bytes.saturating_add(size);
            self.since_look = self.since_look.saturating_add(size);
        }
        has_room
    }

    /// Takes back what `reserve` has counted, if the read was not queued or is delivered.
    pub(crate) fn release(&mut self, size: u64) {
        self.bytes = self.bytes.saturating_sub(in_arena(size));
    }

    /// True if enough was queued since the last look at the device.
    pub(crate) fn wants_look(&mut self) -> bool {
        let wants = self.since_look >= LOOK_BYTES;
        if wants {
            self.since_look = 0;
        }
        wants
    }

    /// Adds a read that was reserved before.
    pub(crate) fn add(&mut self, read: PendingRead) {
        self.waiting[usize::from(read.queue)].push_back(read);
    }

    /// A submission that a read waits for; the oldest one.
    pub(crate) fn oldest(&self) -> Option<(u8, u64)> {
        self.waiting.iter().filter_map(VecDeque::front).map(|read| (read.queue, read.submission)).min_by_key(|(_, number)| *number)
    }

    /// For each queue the last submission whose reads are all delivered. `done` are the last submissions that are done.
    pub(crate) fn passed(&self, done: &QueueSeqs) -> QueueSeqs {
        std::array::from_fn(|queue| {
            let waiting = self.waiting[queue].front().map_or(u64::MAX, |read| read.submission);
            let delivering = self.delivering.map_or(u64::MAX, |first| first[queue]);
            done[queue].min(waiting.min(delivering) - 1)
        })
    }

    /// Takes out the reads whose submissions are done, in the order of the submissions. If there are any, the caller delivers them and then
    /// calls `delivered`. No thread may be delivering.
    pub(crate) fn take_done(&mut self, done: &QueueSeqs) -> Vec<PendingRead> {
        let mut ready = Vec::new();
        let mut first = [u64::MAX; MAX_QUEUES];
        for (queue, waiting) in self.waiting.iter_mut().enumerate() {
            let count = waiting.partition_point(|read| read.submission <= done[queue]);
            first[queue] = waiting.front().filter(|_| count > 0).map_or(u64::MAX, |read| read.submission);
            ready.extend(waiting.drain(..count));
        }
        ready.sort_by_key(|read| read.submission);
        self.delivering = Some(first).filter(|_| !ready.is_empty());
        ready
    }

    /// The reads that `take_done` returned are delivered. `sizes` are their bytes.
    pub(crate) fn delivered(&mut self, sizes: impl Iterator<Item = u64>) {
        self.delivering = None;
        sizes.for_each(|size| self.release(size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_flight_take_a_bounded_amount_of_memory() {
        let mut reads = PendingReads::default();
        assert!(reads.reserve(MAX_BYTES), "there is room for one read of any size");
        reads.release(MAX_BYTES);
        // Another thread delivers one.
        reads.delivering = Some([u64::MAX; MAX_QUEUES]);
        assert!(reads.reserve(MAX_BYTES / 2) && reads.reserve(MAX_BYTES / 2));
        assert!(!reads.reserve(4));
        reads.delivered([MAX_BYTES / 2].into_iter());
        reads.delivering = Some([u64::MAX; MAX_QUEUES]);
        assert!(reads.reserve(4) && !reads.reserve(MAX_BYTES / 2));
    }

    #[test]
    fn the_device_is_asked_now_and_then() {
        let mut reads = PendingReads::default();
        let looks = (0..4096 * 3).filter(|_| reads.reserve(4) && reads.wants_look()).count();
        assert_eq!(looks, 3, "a small read counts as what it takes in the arena");
    }

    #[test]
    fn what_is_being_delivered_is_not_passed() {
        let mut reads = PendingReads::default();
        assert_eq!(reads.passed(&[5; MAX_QUEUES]), [5; MAX_QUEUES]);
        reads.delivering = Some([3, u64::MAX, u64::MAX, u64::MAX]);
        assert_eq!(reads.passed(&[5; MAX_QUEUES]), [2, 5, 5, 5]);
    }
}
