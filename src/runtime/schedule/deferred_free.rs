//! Memory and objects that are freed once the GPU has passed their last use.

use super::hazard::{MAX_QUEUES, QueueSeqs};
use crate::runtime::base::lock::{Lock, rank};
use crate::vulkan::Allocation;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something that is freed once the GPU has passed its last use.
pub(crate) enum Deferred {
    Memory(Allocation),
    Object(#[expect(dead_code, reason = "held only to be dropped")] Arc<dyn Any + Send + Sync>),
}

/// See the module. Each entry waits for one queue after the other.
#[derive(Default)]
pub(crate) struct DeferredFree {
    waiting: [BTreeMap<u64, Vec<(QueueSeqs, Deferred)>>; MAX_QUEUES],
    count: usize,
    ready: Vec<Deferred>,
}

impl DeferredFree {
    /// Frees something once all submissions of `last_use` are done.
    pub(crate) fn defer_drop(&mut self, last_use: QueueSeqs, deferred: Deferred, done: &QueueSeqs) {
        match (0..MAX_QUEUES).find(|&queue| last_use[queue] > done[queue]) {
            Some(queue) => {
                self.waiting[queue].entry(last_use[queue]).or_default().push((last_use, deferred));
                self.count += 1;
            }
            None => self.ready.push(deferred),
        }
    }

    /// True if something waits for the GPU.
    pub(crate) fn is_waiting(&self) -> bool {
        self.count > 0
    }

    /// True if `reap` has nothing to do, whatever is done.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0 && self.ready.is_empty()
    }

    /// Returns what may be freed now.
    pub(crate) fn reap(&mut self, done: &QueueSeqs) -> Vec<Deferred> {
        for queue in 0..MAX_QUEUES {
            while let Some(entry) = self.waiting[queue].first_entry().filter(|entry| *entry.key() <= done[queue]) {
                let passed = entry.remove();
                self.count -= passed.len();
                passed.into_iter().for_each(|(last_use, deferred)| self.defer_drop(last_use, deferred, done));
            }
        }
        std::mem::take(&mut self.ready)
    }

    /// Returns everything, also what waits for submissions that are not done. The device does no more work.
    pub(crate) fn take_all(&mut self) -> Vec<Deferred> {
        self.count = 0;
        let waiting = self.waiting.iter_mut().flat_map(|queue| std::mem::take(queue).into_values().flatten());
        let waiting: Vec<Deferred> = waiting.map(|(_, deferred)| deferred).collect();
        self.ready.drain(..).chain(waiting).collect()
    }
}

/// Entries that were added without the scheduler's lock, until the scheduler takes them over. Because adding one takes no lock of the
/// scheduler, freeing one entry may add another.
#[derive(Default)]
pub(crate) struct DropQueue {
    list: Lock<Vec<(QueueSeqs, Deferred)>, { rank::DROPS }>,
    any: AtomicBool,
}

impl DropQueue {
    /// Adds something that is freed once all submissions of `last_use` are done.
    pub(crate) fn push(&self, last_use: QueueSeqs, deferred: Deferred) {
        self.list.lock().push((last_use, deferred));
        self.any.store(true, Ordering::Release);
    }

    /// True if the list may have an entry.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Takes all entries out.
    pub(crate) fn take(&self) -> Vec<(QueueSeqs, Deferred)> {
        self.any.swap(false, Ordering::Acquire);
        std::mem::take(&mut *self.list.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_wait_for_every_lane_that_used_them() {
        let mut deferred_free = DeferredFree::default();
        let object = Arc::new(5);
        let watch = Arc::downgrade(&object);
        deferred_free.defer_drop([3, 0, 7, 0], Deferred::Object(object), &[0; MAX_QUEUES]);
        deferred_free.defer_drop([2, 0, 0, 0], Deferred::Object(Arc::new(6)), &[2, 0, 0, 0]);
        assert_eq!(deferred_free.reap(&[2, 0, 9, 0]).len(), 1, "what is done already goes at once");
        assert!(deferred_free.is_waiting() && watch.strong_count() == 1);
        assert!(deferred_free.reap(&[3, 0, 6, 0]).is_empty(), "one queue has passed it, the other has not");
        drop(deferred_free.reap(&[3, 0, 7, 0]));
        assert!(deferred_free.is_empty() && watch.strong_count() == 0);
    }

    #[test]
    fn all_goes_where_no_submission_will_be_done() {
        let mut deferred_free = DeferredFree::default();
        let lost = Arc::new(5);
        for last_use in [[3, 0, 7, 0], [3, 0, 0, 0], [0, 9, 0, 0], [0; MAX_QUEUES]] {
            deferred_free.defer_drop(last_use, Deferred::Object(lost.clone()), &[0; MAX_QUEUES]);
        }
        assert_eq!(deferred_free.take_all().len(), 4);
        assert!(deferred_free.is_empty() && Arc::strong_count(&lost) == 1);
        assert!(deferred_free.reap(&[9; MAX_QUEUES]).is_empty());
    }
}
