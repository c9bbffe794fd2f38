//! From recorded to submitted: when a batch is submitted and with what, and the launches of graphs.

use super::super::failures::Since;
use super::super::gpu_trace::CommandLabel;
use super::super::hazard::{QueueSeqs, TimelinePoint};
use super::super::stream_state::StreamState;
use super::super::tracker::BufferAccess;
use super::{BATCH, Scheduler};
use crate::runtime::base::error::{Result, Status};
use crate::runtime::base::name::Name;
use crate::vulkan::{Commands, Completion};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Scheduler {
    /// Submits, after a command was recorded, if the queue is idle or the batch is full. True if work is held back and the flush thread
    /// must be woken.
    pub(crate) fn submit_policy(&mut self, stream: &Arc<StreamState>) -> Result<bool> {
        let queue = usize::from(stream.queue);
        let min_batch = self.queues[queue].min_batch;
        let Some(open) = &self.queues[queue].open else { return Ok(false) };
        let count = open.count;
        let full = count >= BATCH;
        // The queue is polled each time that the batch has doubled.
        if full || (count >= min_batch && count.is_power_of_two() && self.is_idle(queue)?) {
            if count == 1 && self.queues[queue].read_prediction.defer_submit(Instant::now()) {
                return Ok(self.flush_thread_sleeps);
            }
            // The caller gets this failure now, and no caller gets it again.
            self.submit(queue).inspect_err(|e| self.failed.mark_reported(Some(stream), e))?;
            if !full {
                self.queues[queue].raise_min_batch();
            }
            return Ok(false);
        }
        Ok(self.flush_thread_sleeps)
    }

    /// The last submission of each queue.
    pub(crate) fn submitted(&self) -> QueueSeqs {
        let mut seqs = QueueSeqs::default();
        for (number, queue) in seqs.iter_mut().zip(&self.queues) {
            *number = queue.vulkan.submitted();
        }
        seqs
    }

    /// True if work of a queue is recorded and not submitted.
    pub(crate) fn has_unsubmitted(&self) -> bool {
        self.lost.is_none() && self.queues.iter().any(|queue| queue.open.is_some())
    }

    /// For each queue that holds work back, the submission that must be done before the work is submitted.
    pub(crate) fn before_unsubmitted(&self) -> Vec<(Arc<Completion>, u64)> {
        let held_back = self.queues.iter().filter(|queue| queue.open.is_some());
        held_back.map(|queue| (queue.vulkan.completion().clone(), queue.vulkan.submitted())).collect()
    }

    /// Submits what the queues that have drained hold back.
    pub(crate) fn submit_idle(&mut self) {
        for queue in 0..self.queues.len() {
            if self.queues[queue].open.is_none() {
                continue;
            }
            // The streams of the batch keep a failure, and the scheduler keeps that the device is lost.
            if let Ok(true) = self.is_idle(queue) {
                drop(self.submit(queue));
            }
        }
    }

    fn is_idle(&mut self, queue: usize) -> Result<bool> {
        let vulkan = &self.queues[queue].vulkan;
        let submitted = vulkan.submitted();
        if vulkan.completion().done() >= submitted {
            return Ok(true);
        }
        Ok(self.poll_queue(queue)? >= submitted)
    }

    /// Submits what is recorded in a queue. The streams whose work it was keep a failure, which is also returned.
    pub(crate) fn submit(&mut self, queue: usize) -> Result<()> {
        self.submit_with(queue, None)
    }

    /// As `submit`, followed by commands that were recorded earlier.
    fn submit_with(&mut self, queue: usize, graph: Option<&Commands>) -> Result<()> {
        let Some(mut open) = self.queues[queue].open.take() else { return self.check() };
        self.open_batches[queue].store(0, Ordering::Relaxed);
        self.queues[queue].read_prediction.submitted();
        self.check()?;
        if !open.host_writes.is_empty() {
            open.commands.host_barrier(open.host_writes);
        }
        let waits: smallvec::SmallVec<[_; 4]> =
            open.waits.iter().map(|(other, number)| (self.queues[usize::from(*other)].vulkan.completion().clone(), *number)).collect();
        let waits: smallvec::SmallVec<[_; 4]> = waits.iter().map(|(completion, number)| (&**completion, *number)).collect();
        let submitted = self.queues[queue].vulkan.submit(Some(open.commands), graph, &waits, open.number);
        if submitted.is_ok() {
            self.queues[queue].vulkan.begin_ahead();
        }
        self.queues[queue].forget_kernels();
        submitted.map_err(|e| {
            // Neither the barriers of the batch happened nor the accesses that others were to wait for.
            self.queues[queue].batch_was_lost = true;
            self.queues[queue].vulkan.completion().lose(open.number);
            let mut error = self.fail(e);
            if error.status != Status::DeviceLost {
                error.message = format!("{} queued commands did not reach the device: {}", open.count, error.message);
                let failure = Arc::new(error.clone());
                for stream in &open.streams {
                    self.keep_failure(stream, &failure, Since::Submission(open.number));
                }
            }
            error
        })
    }

    /// Runs commands that were recorded earlier, with these accesses, as part of a stream. Returns the submission that carries them.
    pub(crate) fn launch(&mut self, stream: &Arc<StreamState>, accesses: &[BufferAccess], graph: &Commands, label: &Name) -> Result<u64> {
        let queue = usize::from(stream.queue);
        let (src, dst) = self.wait_for_queues(queue, accesses)?;
        if !src.is_empty() || self.gpu_trace.is_some() || self.queues[queue].batch_was_lost {
            self.open_batch(queue)?;
        }
        if !src.is_empty() {
            // The barrier is recorded before the graph. The graph's own commands are the same each time and mostly need none.
            self.barrier(queue, src, dst);
        }
        let number = self.queues[queue].open.as_ref().map_or(self.last + 1, |open| open.number);
        let at = TimelinePoint { queue: queue as u8, sequence: self.queues[queue].barriers.next(), submission: number };
        let mut start = None;
        match &mut self.queues[queue].open {
            Some(open) => {
                open.count += 1;
                start = self.gpu_trace.as_mut().and_then(|gpu_trace| gpu_trace.start(&mut open.commands));
                self.submit_with(queue, Some(graph))?;
            }
            None => {
                // Nothing is held back, so the commands are submitted as they are.
                let submitted = self.queues[queue].vulkan.submit(None, Some(graph), &[], number);
                submitted.map_err(|e| {
                    self.queues[queue].batch_was_lost = true;
                    self.fail(e)
                })?;
            }
        }
        // This runs while the device is at work, because a graph may access thousands of buffers. The graph itself makes visible what the
        // host reads. The number is given out after this: while nothing is in flight, all numbers that were given out count as done.
        self.remember(accesses, at);
        self.last = self.last.max(number);
        stream.used(number);
        if let Some(start) = start {
            // The end is in the next batch, because the graph's own commands are the same each time.
            self.open_batch(queue)?;
            if let (Some(gpu_trace), Some(open)) = (&mut self.gpu_trace, &mut self.queues[queue].open) {
                gpu_trace.end(&mut open.commands, (queue as u8, open.number, stream), CommandLabel::new(&label.get(), 0), start);
                open.count += 1;
            }
        }
        Ok(number)
    }
}
