//! Memory: allocated, and freed once the GPU has passed it.

use super::core::Device;
use crate::runtime::base::error::Result;
use crate::runtime::base::lock::Guard;
use crate::runtime::schedule::deferred_free::Deferred;
use crate::runtime::schedule::hazard::QueueSeqs;
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::staging::{Chunk, SubmissionId};
use crate::runtime::schedule::tracker::BufferId;
use crate::sys::DefaultThreadState;
use crate::vulkan::{self, Allocation, MemoryKind};

impl Device {
    /// Allocates memory. If there is none, it first takes back what the GPU has finished with or will finish.
    pub(crate) fn allocate(&self, kind: MemoryKind, size: u64, align: u64, label: &str) -> Result<Allocation> {
        match self.memory.allocate(kind, size, align, label) {
            Ok(allocation) => return Ok(allocation),
            Err(e) if matches!(e.kind, vulkan::ErrorKind::OutOfDeviceMemory | vulkan::ErrorKind::NotMapped) => {}
            Err(e) => return Err(self.lock().fail(e)),
        }
        let seqs = {
            let mut scheduler = self.lock();
            let done = scheduler.done();
            self.returned.drain_into(&mut scheduler.staging);
            scheduler.trim_staging(&done);
            if scheduler.has_deferred() { scheduler.flush()? } else { QueueSeqs::default() }
        };
        self.wait(&seqs, self.deadline())?;
        self.reap(&mut self.lock());
        self.memory.trim();
        self.memory.allocate(kind, size, align, label).map_err(|e| self.lock().fail(e))
    }

    /// Frees memory that no submission uses.
    pub(crate) fn free(&self, allocation: Allocation) {
        self.memory.free(allocation);
    }

    /// Ends a buffer. Its memory is freed at once if nothing uses it, and otherwise once the GPU has passed it.
    pub(crate) fn free_buffer(&self, id: BufferId) {
        let free = {
            let mut scheduler = self.lock();
            let free = scheduler.free(id);
            self.reap(&mut scheduler);
            free
        };
        if let Some(allocation) = free {
            self.memory.free(allocation);
        }
    }

    /// Frees what the GPU has passed.
    pub(crate) fn reap(&self, scheduler: &mut Scheduler) {
        if self.drops.any() {
            self.drops.take().into_iter().for_each(|(last_use, deferred)| scheduler.defer_drop(last_use, deferred));
        }
        if scheduler.has_work_for_reap() {
            let _default = DefaultThreadState::enter();
            self.free_deferred(scheduler.reap());
        }
    }

    /// Frees memory, and drops the rest.
    pub(crate) fn free_deferred(&self, deferred: Vec<Deferred>) {
        for deferred in deferred {
            if let Deferred::Memory(allocation) = deferred {
                self.memory.free(allocation);
            }
        }
    }

    /// Returns unused memory to the driver.
    pub(crate) fn trim(&self) -> Result<()> {
        self.trim_reports(false);
        let deferred = {
            let mut scheduler = self.lock();
            let done = scheduler.poll()?;
            self.returned.drain_into(&mut scheduler.staging);
            scheduler.trim_staging(&done);
            scheduler.queues.iter_mut().for_each(|queue| queue.vulkan.trim());
            scheduler.reap()
        };
        self.free_deferred(deferred);
        self.memory.trim();
        Ok(())
    }

    /// Returns a small chunk that the device has passed. Takes no lock of the scheduler unless a thread waits for a chunk.
    pub(crate) fn return_small_chunk(&self, chunk: Chunk, last_use: SubmissionId) {
        self.returned.return_chunk(chunk, last_use);
        self.scheduler.notify_unlocked_change();
    }

    /// As `wait_for_change`, for a thread that waits for a chunk. A chunk may have been returned without the lock just now.
    pub(crate) fn wait_for_chunk<'a>(&self, scheduler: Guard<'a, Scheduler>) -> Guard<'a, Scheduler> {
        self.scheduler.wait_unless(scheduler, || !self.returned.is_empty())
    }
}
