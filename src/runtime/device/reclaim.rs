//! Memory: given out, and taken back when the GPU has passed it.

use super::core::Device;
use crate::runtime::base::error::Result;
use crate::runtime::base::lock::Guard;
use crate::runtime::schedule::deferred_free::Deferred;
use crate::runtime::schedule::engine::Engine;
use crate::runtime::schedule::hazard::QueueSeqs;
use crate::runtime::schedule::staging::{Chunk, Ticket};
use crate::runtime::schedule::tracker::BufferId;
use crate::vulkan::{self, Allocation, MemoryKind};

impl Device {
    /// Allocates memory; if there is none, first takes back what the GPU has finished with or will finish.
    pub(crate) fn allocate(&self, kind: MemoryKind, size: u64, align: u64, label: &str) -> Result<Allocation> {
        match self.memory.allocate(kind, size, align, label) {
            Ok(allocation) => return Ok(allocation),
            Err(e) if e.kind == vulkan::ErrorKind::OutOfDeviceMemory => {}
            Err(e) => return Err(self.lock().fail(e)),
        }
        let seqs = {
            let mut engine = self.lock();
            let done = engine.done();
            self.returned.drain_into(&mut engine.staging);
            engine.staging.trim(&done);
            if engine.has_deferred() { engine.flush()? } else { QueueSeqs::default() }
        };
        self.wait(&seqs, self.deadline())?;
        self.reap(&mut self.lock());
        self.memory.trim();
        self.memory.allocate(kind, size, align, label).map_err(|e| self.lock().fail(e))
    }

    /// Gives memory back that no submission uses.
    pub(crate) fn free(&self, allocation: Allocation) {
        self.memory.free(allocation);
    }

    /// Ends a buffer: its memory goes at once if nothing uses it, else when the GPU has passed it.
    pub(crate) fn free_buffer(&self, id: BufferId) {
        let free = {
            let mut engine = self.lock();
            let free = engine.free(id);
            self.reap(&mut engine);
            free
        };
        if let Some(allocation) = free {
            self.memory.free(allocation);
        }
    }

    /// Frees what the GPU has passed.
    pub(crate) fn reap(&self, engine: &mut Engine) {
        if self.drops.any() {
            self.drops.take().into_iter().for_each(|(last_use, deferred)| engine.defer_drop(last_use, deferred));
        }
        if engine.has_work_for_reap() {
            self.free_deferred(engine.reap());
        }
    }

    /// Frees what may go.
    pub(crate) fn free_deferred(&self, deferred: Vec<Deferred>) {
        for deferred in deferred {
            if let Deferred::Memory(allocation) = deferred {
                self.memory.free(allocation);
            }
        }
    }

    /// Gives memory that nothing uses back to the driver.
    pub(crate) fn trim(&self) -> Result<()> {
        self.trim_reports(false);
        let deferred = {
            let mut engine = self.lock();
            let done = engine.poll()?;
            self.returned.drain_into(&mut engine.staging);
            engine.staging.trim(&done);
            engine.reap()
        };
        self.free_deferred(deferred);
        self.memory.trim();
        Ok(())
    }

    /// Gives a small chunk back that the device has passed, without the engine.
    pub(crate) fn return_small_chunk(&self, chunk: Chunk, last_use: Ticket) {
        self.returned.return_chunk(chunk, last_use);
        self.engine.notify_unlocked_change();
    }

    /// As `wait_for_change`, for who waits for a chunk: those that come back without the lock may have come just now.
    pub(crate) fn wait_for_chunk<'a>(&self, engine: Guard<'a, Engine>) -> Guard<'a, Engine> {
        self.engine.wait_unless(engine, || !self.returned.is_empty())
    }
}
