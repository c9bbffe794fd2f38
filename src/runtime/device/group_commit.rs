//! Many threads, each of which waits for a small job: their jobs are submitted together.
//!
//! A submission costs the device some microseconds whatever it carries. Where a queue has enough to do and several threads wait for it, one
//! more submission for each job would only lengthen the wait of all. So a job stays in the open batch, to which other threads add theirs.
//! One of the threads, the leader, submits the batch when the oldest submission of the queue is done. Databases call this group commit. The
//! queue does not run dry, because one more submission follows the oldest.

use crate::runtime::base::error::Result;
use crate::runtime::device::core::Device;
use crate::runtime::schedule::hazard::{QueueSeqs, seqs_of};
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::stream_state::StreamState;
use std::sync::Arc;
use std::time::Instant;

/// This many submissions are enough for a queue: one that runs and one that follows.
const MAX_IN_FLIGHT: usize = 2;
/// Jobs are grouped if this many other threads wait for the queue or for the scheduler's lock.
const MIN_WAITING: u32 = 2;

impl Scheduler {
    fn can_join(&self, queue: usize, number: u64, in_line: u32) -> bool {
        let queue = &self.queues[queue];
        let (vulkan, completion) = (&queue.vulkan, queue.vulkan.completion());
        queue.open.as_ref().is_some_and(|open| open.number == number)
            && completion.may_wait_before()
            && completion.waiting() + in_line >= MIN_WAITING
            && vulkan.in_flight().nth(MAX_IN_FLIGHT - 1).is_some()
    }

    /// Makes the first thread that asks the leader of a submission that is still open. Returns the submission that the leader waits for
    /// before it submits.
    fn claim_leader(&mut self, queue: usize, number: u64) -> Option<u64> {
        let queue = &mut self.queues[queue];
        let open = queue.open.as_mut().filter(|open| open.number == number && !open.has_leader)?;
        open.has_leader = true;
        Some(queue.vulkan.in_flight().next().unwrap_or(0))
    }
}

impl Device {
    /// As `Scheduler::flush_for`, for a thread that goes on to wait by [`Device::wait`]. Work that the device could not begin with yet may
    /// stay in the open batch, so that other threads can add theirs.
    pub(crate) fn submit_or_join(&self, scheduler: &mut Scheduler, stream: &Arc<StreamState>, seqs: QueueSeqs) -> Result<QueueSeqs> {
        self.submit_or_join_for_event(scheduler, seqs).inspect_err(|e| scheduler.mark_reported(stream, e))
    }

    /// As `submit_or_join`, for a call on an event. The stream can still return its failure after it.
    pub(crate) fn submit_or_join_for_event(&self, scheduler: &mut Scheduler, seqs: QueueSeqs) -> Result<QueueSeqs> {
        let in_line = self.scheduler.in_line();
        let mut now = seqs;
        for (queue, number) in now.iter_mut().take(scheduler.queues.len()).enumerate() {
            if scheduler.can_join(queue, *number, in_line) {
                // This submission stays open.
                *number = 0;
            }
        }
        let mut sent = scheduler.flush_to(now)?;
        for (queue, number) in sent.iter_mut().enumerate() {
            if now[queue] == 0 {
                *number = seqs[queue];
            }
        }
        Ok(sent)
    }

    /// Makes sure that an open batch is submitted in time, if no other thread does that.
    pub(crate) fn commit_group(&self, queue: usize, number: u64, deadline: Option<Instant>) -> Result<()> {
        let Some(oldest) = self.lock().claim_leader(queue, number) else { return Ok(()) };
        // The batch is submitted however the wait ends, because others wait for it.
        let waited = self.completion(queue as u8).wait(oldest, deadline);
        let mut scheduler = self.lock();
        scheduler.flush_to(seqs_of(queue as u8, number))?;
        waited.map(drop).map_err(|e| scheduler.fail(e))
    }
}
