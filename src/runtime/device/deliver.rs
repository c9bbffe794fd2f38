//! Delivers reads: the bytes that the device has copied into staging memory go to their callers' memory.

use crate::runtime::base::error::Result;
use crate::runtime::base::lock::Guard;
use crate::runtime::device::core::Device;
use crate::runtime::schedule::hazard::seqs_of;
use crate::runtime::schedule::pending_reads::{PendingRead, Source};
use crate::runtime::schedule::scheduler::Scheduler;
use std::time::Instant;

impl Device {
    /// Delivers all pending reads that are done, and waits for another thread that does the same.
    pub(crate) fn finish_reads(&self) -> Result<()> {
        let mut scheduler = self.lock();
        while !scheduler.pending_reads.is_empty() {
            if scheduler.pending_reads.is_delivering() {
                scheduler = self.scheduler.wait_for_change(scheduler);
                continue;
            }
            let ready = take_done(&mut scheduler)?;
            if ready.is_empty() {
                break;
            }
            drop(scheduler);
            self.deliver(ready);
            scheduler = self.lock();
        }
        Ok(())
    }

    /// Counts the staging memory of a read of `size` bytes that is about to be queued, to be delivered later. Now and then this delivers
    /// what is done, so that a program which never waits does not gather all its reads. If the reads in flight take too much memory, it
    /// waits for the device. It never waits for another call of the program.
    pub(crate) fn reserve_read(&self, size: u64) -> Result<()> {
        let mut scheduler = self.lock();
        if scheduler.pending_reads.wants_look() && !scheduler.pending_reads.is_delivering() {
            let ready = take_done(&mut scheduler)?;
            if !ready.is_empty() {
                drop(scheduler);
                self.deliver(ready);
                scheduler = self.lock();
            }
        }
        let deadline = self.deadline();
        while !scheduler.pending_reads.reserve(size) {
            scheduler = self.wait_for_delivery(scheduler, deadline)?;
        }
        Ok(())
    }

    /// Waits until the oldest read is done, and delivers it.
    #[cold]
    fn wait_for_delivery<'a>(&'a self, mut scheduler: Guard<'a, Scheduler>, deadline: Option<Instant>) -> Result<Guard<'a, Scheduler>> {
        if scheduler.pending_reads.is_delivering() {
            return Ok(self.scheduler.wait_for_change(scheduler));
        }
        let Some((queue, number)) = scheduler.pending_reads.oldest() else { return Ok(scheduler) };
        let seqs = scheduler.flush_to(seqs_of(queue, number))?;
        drop(scheduler);
        let waited = self.wait_or_fail(&seqs, deadline);
        let mut scheduler = self.lock();
        if scheduler.pending_reads.is_delivering() {
            return Ok(scheduler);
        }
        let ready = take_done(&mut scheduler)?;
        if ready.is_empty() {
            // A wait can fail though the read is done, if the driver has rejected its submission. Here the read is not done either.
            waited?;
            return Ok(scheduler);
        }
        drop(scheduler);
        self.deliver(ready);
        Ok(self.lock())
    }

    /// Copies the bytes of reads that are done into the callers' memory. The reads come from `PendingReads::take_done`.
    fn deliver(&self, ready: Vec<PendingRead>) {
        let mut sizes = Vec::with_capacity(ready.len());
        for read in ready {
            sizes.push(read.into.len() as u64);
            match read.source {
                Source::Arena(host_view, at) => self.copy_pool.read(host_view, at, read.into),
                Source::Own(chunk) => {
                    self.copy_pool.read(chunk.host_view(), 0, read.into);
                    self.free(chunk.into_allocation());
                }
            }
        }
        self.lock().pending_reads.delivered(sizes.into_iter());
        self.scheduler.notify_change();
    }
}

/// Takes out the reads that are done.
fn take_done(scheduler: &mut Scheduler) -> Result<Vec<PendingRead>> {
    let done = scheduler.poll()?;
    Ok(scheduler.pending_reads.take_done(&done))
}
