//! The scheduler of a device: what is being recorded, what is in flight, which command accesses which buffer, and what may be freed when.
//!
//! One lock of the device guards it. No function here waits for the GPU. Work is recorded in the order of the calls, into the queue of its
//! stream. It is submitted at once while the queue is idle, and in batches while the queue is busy. What is held back is submitted when the
//! queue has drained (see `flush_thread.rs`). The submissions of all queues share one sequence of numbers. A submission gets its number
//! when its batch is begun.

mod submit;

use super::deferred_free::{Deferred, DeferredFree};
use super::failures::{Since, UnreportedFailures};
use super::gpu_trace::{CommandLabel, GpuTrace};
use super::hazard::{BarrierState, Conflicts, MAX_QUEUES, QueueSeqs, Stage, Stages, TimelinePoint};
use super::pending_reads::{PendingRead, PendingReads};
use super::queue_state::{OpenBatch, QueueState};
use super::staging::Staging;
use super::stream_state::StreamState;
use super::tracker::{BufferAccess, BufferId, BufferTracker};
use crate::runtime::base::error::{Error, Result, Status};
use crate::vulkan::{self, Allocation, Commands, Queue};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The most commands in one submission. The driver takes one batch while the one before it runs.
const BATCH: u32 = 256;

/// Where a command is recorded: the queue, the submission, and the last submission of the queue that is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordContext {
    pub(crate) queue: u8,
    pub(crate) submission: u64,
    pub(crate) done: u64,
}

/// See the module.
pub(crate) struct Scheduler {
    pub(crate) queues: Vec<QueueState>,
    /// The last number that a submission got.
    last: u64,
    pub(crate) tracker: BufferTracker,
    pub(crate) staging: Staging,
    deferred_free: DeferredFree,
    /// Reads that wait for the GPU.
    pub(crate) pending_reads: PendingReads,
    /// The device is lost. Every later call returns this error.
    lost: Option<Error>,
    /// The device is lost or traced, so no command takes the fast path.
    is_watched: bool,
    /// Failures of work that was queued with success. The next wait or read of the stream returns its failure, once.
    failed: UnreportedFailures<StreamState>,
    /// Writes what the device does into a trace, if there is one.
    pub(crate) gpu_trace: Option<GpuTrace>,
    /// There may be something to do after a wait. See `wait.rs`.
    pub(crate) has_pending: Arc<AtomicBool>,
    /// For each queue the number of its open batch, 0 if there is none, for readers without the lock.
    pub(crate) open_batches: Arc<[AtomicU64; MAX_QUEUES]>,
    /// The device is being destroyed, and nothing is recorded any more.
    pub(crate) closed: bool,
    /// The flush thread is to end.
    pub(crate) stop: bool,
    /// The flush thread sleeps, or has not started. Work that is held back wakes it.
    pub(crate) flush_thread_sleeps: bool,
}

impl Scheduler {
    pub(crate) fn new(queues: Vec<Queue>, staging: Staging) -> Scheduler {
        Scheduler {
            queues: queues.into_iter().take(MAX_QUEUES).map(QueueState::new).collect(),
            last: 0,
            tracker: BufferTracker::default(),
            staging,
            deferred_free: DeferredFree::default(),
            pending_reads: PendingReads::default(),
            lost: None,
            is_watched: false,
            failed: UnreportedFailures::default(),
            gpu_trace: None,
            has_pending: Arc::default(),
            open_batches: Arc::default(),
            closed: false,
            stop: false,
            flush_thread_sleeps: true,
        }
    }

    /// Fails if the device is lost.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        match &self.lost {
            None => Ok(()),
            Some(lost) => Err(lost.clone()),
        }
    }

    /// Returns the error of earlier queued work of a stream (of any stream, for `None`), once.
    pub(crate) fn take_failure(&mut self, stream: Option<&Arc<StreamState>>) -> Result<()> {
        if self.failed.is_empty() { Ok(()) } else { self.failed.take(stream, |_| true) }
    }

    /// As `take_failure`, for errors that leave the content of memory undefined: all but an assertion that did not hold.
    pub(crate) fn take_loss(&mut self, stream: &Arc<StreamState>) -> Result<()> {
        if self.failed.is_empty() { Ok(()) } else { self.failed.take(Some(stream), |e| e.status != Status::Assertion) }
    }

    /// Keeps an error for the next wait or read of a stream that has none, and for the events that it concerns.
    pub(crate) fn keep_failure(&mut self, stream: &Arc<StreamState>, error: &Arc<Error>, since: Since) {
        self.failed.add(stream, error, since);
        self.has_pending.store(true, Ordering::Release);
    }

    /// Notes that a call on a stream returned this error. If it is a failure of the stream, its caller got it.
    pub(crate) fn mark_reported(&mut self, stream: &Arc<StreamState>, error: &Error) {
        self.failed.mark_reported(Some(stream), error);
    }

    /// Turns a failure of the driver into an error. A lost device stays lost.
    pub(crate) fn fail(&mut self, e: vulkan::Error) -> Error {
        if e.kind != vulkan::ErrorKind::DeviceLost {
            return e.into();
        }
        if let Some(lost) = &self.lost {
            return lost.clone();
        }
        let mut names: Vec<&str> = self.queues.iter().flat_map(QueueState::kernels_in_flight).collect();
        names.dedup();
        let kernels = match names.as_slice() {
            [] => "no kernel was in flight".to_owned(),
            some => format!("kernels in flight: '{}'", some.join("', '")),
        };
        let lost = format!(
            "the device is lost ({}): a kernel ran longer than the driver's watchdog allows, or something failed on the way; {kernels}; \
             avx_destroy it and create it again",
            e.message
        );
        let lost = Error::new(Status::DeviceLost, lost);
        self.lost = Some(lost.clone());
        self.is_watched = true;
        lost
    }

    // Buffers.

    /// Ends a buffer. Its memory is freed once the GPU and the calls in progress have passed their last use of it. The caller frees what
    /// this returns now.
    pub(crate) fn free(&mut self, id: BufferId) -> Option<Allocation> {
        let (last_use, allocation) = self.tracker.free(id)?;
        if (0..MAX_QUEUES).all(|queue| last_use[queue] <= done_of(&self.queues, self.last, queue)) {
            return Some(allocation);
        }
        self.defer_drop(last_use, Deferred::Memory(allocation));
        None
    }

    /// Ends a pin of a range: see [`BufferTracker::pin`].
    pub(crate) fn unpin(&mut self, id: BufferId, range: &Range<u64>, write: bool) {
        let deferred = self.tracker.unpin(id, range, write);
        self.defer_free(deferred);
    }

    /// Ends a hold: see [`BufferTracker::hold`].
    pub(crate) fn end_hold(&mut self, id: BufferId) {
        let deferred = self.tracker.end_hold(id);
        self.defer_free(deferred);
    }

    fn defer_free(&mut self, deferred: Option<(QueueSeqs, Allocation)>) {
        if let Some((last_use, allocation)) = deferred {
            self.defer_drop(last_use, Deferred::Memory(allocation));
        }
    }

    /// Frees something once the submissions of `last_use` are done.
    pub(crate) fn defer_drop(&mut self, last_use: QueueSeqs, deferred: Deferred) {
        let done = self.done();
        self.deferred_free.defer_drop(last_use, deferred, &done);
        self.has_pending.store(true, Ordering::Release);
    }

    /// Adds a read that waits for the GPU.
    pub(crate) fn add_pending_read(&mut self, read: PendingRead) {
        self.pending_reads.add(read);
        self.has_pending.store(true, Ordering::Release);
    }

    /// Frees the staging memory that nothing uses. `done` are the last submissions that are done.
    pub(crate) fn trim_staging(&mut self, done: &QueueSeqs) {
        let delivered = self.pending_reads.passed(done);
        self.staging.trim(done, &delivered);
    }

    /// Updates the flag that says whether there is something to do after the next wait.
    pub(crate) fn update_pending_flag(&self) {
        let busy = !(self.failed.is_empty() && self.deferred_free.is_empty() && self.pending_reads.is_empty() && self.gpu_trace.is_none());
        self.has_pending.store(busy, Ordering::Release);
    }

    /// True if something waits for the GPU before it can be freed.
    pub(crate) fn has_deferred(&self) -> bool {
        self.deferred_free.is_waiting()
    }

    /// False if `reap` would do nothing.
    #[inline]
    pub(crate) fn has_work_for_reap(&self) -> bool {
        !self.deferred_free.is_empty() || self.gpu_trace.is_some()
    }

    /// Returns what may be freed now. The caller drops it and gives memory back, with the lock released or held.
    pub(crate) fn reap(&mut self) -> Vec<Deferred> {
        self.trace_done();
        if self.deferred_free.is_empty() {
            return Vec::new();
        }
        let done = self.done();
        self.deferred_free.reap(&done)
    }

    /// Returns all that was to be freed, also what waits for submissions that a lost device will never do. The device does no more work.
    pub(crate) fn reap_all(&mut self) -> Vec<Deferred> {
        self.deferred_free.take_all()
    }

    /// Has what the device does written into a trace; `None` ends that.
    pub(crate) fn trace_into(&mut self, gpu_trace: Option<GpuTrace>) {
        self.gpu_trace = gpu_trace;
        self.is_watched = self.gpu_trace.is_some() || self.lost.is_some();
    }

    /// Writes the commands that are done into the trace, if there is one.
    pub(crate) fn trace_done(&mut self) {
        if self.gpu_trace.is_none() {
            return;
        }
        let done = self.done();
        let drained = self.gpu_trace.as_mut().map_or(Ok(()), |gpu_trace| gpu_trace.drain(&done));
        if let Err(e) = drained {
            self.fail(e);
        }
    }

    /// The submissions that the host must wait for before it reads (or writes) the range. Zeros if there are none.
    pub(crate) fn must_wait_for(&mut self, id: BufferId, range: &Range<u64>, write: bool) -> Result<QueueSeqs> {
        let mut seqs = self.tracker.live(id)?.0.history.last_conflict(range, write);
        for (queue, number) in seqs.iter_mut().take(self.queues.len()).enumerate() {
            if *number > self.queues[queue].done(self.last) {
                self.poll_queue(queue)?;
            }
            if *number <= self.queues[queue].done(self.last) {
                *number = 0;
            }
        }
        Ok(seqs)
    }

    // Recording.

    /// All submissions that are recorded or submitted until now.
    pub(crate) fn now(&self) -> QueueSeqs {
        let mut seqs = QueueSeqs::default();
        for (number, queue) in seqs.iter_mut().zip(&self.queues) {
            *number = queue.open.as_ref().map_or(queue.vulkan.submitted(), |open| open.number);
        }
        seqs
    }

    /// Submits what is held back in all queues. Returns the submissions to wait for.
    pub(crate) fn flush(&mut self) -> Result<QueueSeqs> {
        let now = self.now();
        self.flush_to(now)
    }

    /// As `flush_to`, for a call on a stream (on the whole device, for `None`). A failure that this returns is not returned again.
    pub(crate) fn flush_for(&mut self, stream: Option<&Arc<StreamState>>, seqs: QueueSeqs) -> Result<QueueSeqs> {
        self.flush_to(seqs).inspect_err(|e| self.failed.mark_reported(stream, e))
    }

    /// Makes sure that these submissions have gone to the device. Returns the submissions to wait for. The host is going to wait.
    pub(crate) fn flush_to(&mut self, mut seqs: QueueSeqs) -> Result<QueueSeqs> {
        self.check()?;
        for (queue, number) in seqs.iter_mut().take(self.queues.len()).enumerate() {
            if *number > self.queues[queue].vulkan.submitted() {
                self.submit(queue)?;
            }
            if *number > 0 {
                self.queues[queue].min_batch = 1;
            }
            *number = (*number).min(self.queues[queue].vulkan.submitted());
        }
        Ok(seqs)
    }

    /// For each queue the last submission that is known to be done.
    pub(crate) fn done(&self) -> QueueSeqs {
        std::array::from_fn(|queue| done_of(&self.queues, self.last, queue))
    }

    /// Asks the driver which submissions are done. Returns the same as `done`.
    pub(crate) fn poll(&mut self) -> Result<QueueSeqs> {
        for queue in 0..self.queues.len() {
            self.poll_queue(queue)?;
        }
        Ok(self.done())
    }

    /// Asks the driver which submissions of a queue are done.
    fn poll_queue(&mut self, queue: usize) -> Result<u64> {
        let polled = self.queues[queue].vulkan.completion().poll();
        polled.map_err(|e| self.fail(e))
    }

    /// Records one command for a stream, after the barrier and the waits that its accesses need. The command may also be several that need
    /// no order among themselves.
    pub(crate) fn record<'a>(
        &mut self,
        stream: &Arc<StreamState>,
        accesses: &[BufferAccess],
        label: impl FnOnce() -> CommandLabel<'a>,
        command: impl FnOnce(&mut Commands, &mut Staging, RecordContext) -> Result<()>,
    ) -> Result<()> {
        let queue = self.prepare(stream, accesses)?;
        let done = self.queues[queue].done(self.last);
        let Some(open) = &mut self.queues[queue].open else { return Err(no_batch()) };
        let context = RecordContext { queue: queue as u8, submission: open.number, done };
        // The batch stays in its place, so that a panic in the command does not lose what earlier calls recorded.
        let staging = &mut self.staging;
        let outcome = match &mut self.gpu_trace {
            None => command(&mut open.commands, staging, context),
            Some(gpu_trace) => {
                let place = (context.queue, context.submission, stream);
                gpu_trace.around(&mut open.commands, place, label(), |commands| command(commands, staging, context))
            }
        };
        self.recorded(queue, stream, accesses, outcome.is_ok());
        outcome
    }

    /// The barriers of a stream's queue, and its last submission that is done, if a kernel needs nothing but a barrier in the open batch.
    /// That is so if the batch is the stream's and nothing is traced.
    #[inline]
    pub(crate) fn trivial_barriers(&self, stream: &Arc<StreamState>) -> Option<(&BarrierState, u64)> {
        let queue = self.queues.get(usize::from(stream.queue))?;
        let open = queue.open.as_ref()?;
        let is_trivial = !self.is_watched && Arc::ptr_eq(open.streams.last()?, stream);
        is_trivial.then(|| (&queue.barriers, queue.done(self.last)))
    }

    /// As `record`, for a kernel in an open batch that `trivial_barriers` found. If there are stages, a barrier between them comes first.
    #[inline]
    pub(crate) fn record_trivial(
        &mut self,
        stream: &Arc<StreamState>,
        accesses: &[BufferAccess],
        (src, dst): (Stages, Stages),
        command: impl FnOnce(&mut Commands, &mut Staging, RecordContext) -> Result<()>,
    ) -> Result<()> {
        let at = usize::from(stream.queue);
        if !src.is_empty() {
            self.barrier(at, src, dst);
        }
        let done = self.queues[at].done(self.last);
        let Some(open) = &mut self.queues[at].open else { return Err(no_batch()) };
        let context = RecordContext { queue: stream.queue, submission: open.number, done };
        let outcome = command(&mut open.commands, &mut self.staging, context);
        self.recorded(at, stream, accesses, outcome.is_ok());
        outcome
    }

    /// Notes that a command with these accesses was recorded into the open batch of the queue, or failed while it was recorded.
    #[inline]
    fn recorded(&mut self, queue: usize, stream: &StreamState, accesses: &[BufferAccess], is_ok: bool) {
        let QueueState { open: Some(open), barriers, .. } = &mut self.queues[queue] else { return };
        open.count += u32::from(is_ok);
        let at = TimelinePoint { queue: queue as u8, sequence: barriers.next(), submission: open.number };
        stream.used(open.number);
        let host_writes = self.remember(accesses, at);
        let queue = &mut self.queues[queue];
        queue.last_stage = accesses.first().map(|entry| entry.access.stage);
        if let Some(open) = &mut queue.open {
            open.host_writes.insert(host_writes);
        }
    }

    /// Adds the accesses of a command to the histories of the buffers. Returns the stages in which it writes memory that the host reads.
    #[inline]
    fn remember(&mut self, accesses: &[BufferAccess], at: TimelinePoint) -> Stages {
        let Scheduler { queues, tracker, last, .. } = self;
        let barriers = &queues[usize::from(at.queue)].barriers;
        let mut host_writes = Stages::default();
        for entry in accesses {
            let Some(hot) = tracker.used(entry.id, &at) else { continue };
            hot.history.record(&entry.access, at, barriers, |queue| done_of(queues, *last, queue));
            if entry.access.write && hot.host_reads {
                host_writes.insert(entry.access.stage.into());
            }
        }
        host_writes
    }

    /// What commands with these accesses must wait for in a queue: stages before a barrier, stages after it, and submissions of other
    /// queues.
    #[inline]
    fn conflicts(&self, queue: usize, accesses: &[BufferAccess]) -> (Stages, Stages, QueueSeqs) {
        let (mut src, mut dst, mut queues) = (Stages::default(), Stages::default(), QueueSeqs::default());
        let barriers = &self.queues[queue].barriers;
        let all_done = self.done().into_iter().fold(u64::MAX, u64::min);
        for entry in accesses {
            if self.tracker.is_older(entry.id, all_done) {
                continue;
            }
            let Some(hot) = self.tracker.get(entry.id) else { continue };
            let mut conflicts = Conflicts { stages: Stages::default(), queues };
            hot.history.conflicts(&entry.access, queue as u8, barriers, |queue| done_of(&self.queues, self.last, queue), &mut conflicts);
            if !conflicts.stages.is_empty() {
                src.insert(conflicts.stages);
                dst.insert(entry.access.stage.into());
            }
            queues = conflicts.queues;
        }
        (src, dst, queues)
    }

    /// Has a queue wait for the submissions of other queues that commands with these accesses conflict with. Returns the stages before and
    /// after the barrier that the commands need in their own queue.
    #[inline(always)]
    fn wait_for_queues(&mut self, queue: usize, accesses: &[BufferAccess]) -> Result<(Stages, Stages)> {
        self.check()?;
        let (src, dst, queues) = self.conflicts(queue, accesses);
        if queues != QueueSeqs::default() {
            self.start_after(queue, queues)?;
        }
        Ok((src, dst))
    }

    /// Prepares the queue of a stream for commands with these accesses: opens a batch and records the waits and the barrier. Returns the
    /// queue.
    #[inline]
    fn prepare(&mut self, stream: &Arc<StreamState>, accesses: &[BufferAccess]) -> Result<usize> {
        let queue = usize::from(stream.queue);
        let (src, dst) = self.wait_for_queues(queue, accesses)?;
        self.open_batch(queue)?;
        let Some(open) = &mut self.queues[queue].open else { return Err(no_batch()) };
        if open.streams.last().is_none_or(|last| !Arc::ptr_eq(last, stream)) && !open.streams.iter().any(|s| Arc::ptr_eq(s, stream)) {
            open.streams.push(stream.clone());
        }
        if !src.is_empty() {
            self.barrier(queue, src, dst);
        }
        Ok(queue)
    }

    /// Records a barrier into the open batch.
    fn barrier(&mut self, queue: usize, src: Stages, dst: Stages) {
        let queue = &mut self.queues[queue];
        if let Some(open) = &mut queue.open {
            queue.barriers.barrier(src, dst);
            open.commands.barrier(src, dst);
        }
    }

    /// Has everything that is recorded in `queue` from now on start after these submissions of other queues. A queue waits only for what
    /// has been submitted, so no two queues wait for each other.
    fn start_after(&mut self, queue: usize, queues: QueueSeqs) -> Result<()> {
        for other in (0..self.queues.len()).filter(|other| *other != queue) {
            let number = queues[other];
            if number <= self.queues[queue].waited[other] || number <= self.queues[other].done(self.last) {
                continue;
            }
            if self.queues[other].open.as_ref().is_some_and(|open| open.number <= number) {
                self.submit(other)?;
            }
            let number = number.min(self.queues[other].vulkan.submitted());
            if self.queues[queue].open.as_ref().is_some_and(|open| open.count > 0) {
                self.submit(queue)?;
            }
            self.open_batch(queue)?;
            let queue = &mut self.queues[queue];
            queue.waited[other] = number;
            if let Some(open) = &mut queue.open {
                open.waits.push((other as u8, number));
            }
        }
        Ok(())
    }

    /// Has everything that the stream's queue gets from now on start after a point of any queue.
    pub(crate) fn order_behind(&mut self, stream: &Arc<StreamState>, point: TimelinePoint) -> Result<()> {
        self.check()?;
        let queue = usize::from(stream.queue);
        if point.queue != stream.queue {
            return self.start_after(queue, point.seqs());
        }
        if point.submission > self.queues[queue].done(self.last) && !self.queues[queue].barriers.is_all_ordered(point.sequence) {
            self.open_batch(queue)?;
            self.barrier(queue, Stages::ALL, Stages::ALL);
        }
        Ok(())
    }

    /// True if the last command of the stream's queue is a kernel that is not known to be done.
    pub(crate) fn follows_kernel(&self, stream: &StreamState) -> bool {
        let queue = &self.queues[usize::from(stream.queue)];
        let busy = queue.open.is_some() || queue.vulkan.completion().done() < queue.vulkan.submitted();
        busy && matches!(queue.last_stage, Some(Stage::Compute | Stage::Uniform))
    }

    /// The point after everything that the stream has recorded.
    pub(crate) fn point_of(&self, stream: &StreamState) -> TimelinePoint {
        let queue = &self.queues[usize::from(stream.queue)];
        TimelinePoint { queue: stream.queue, sequence: queue.barriers.last(), submission: stream.last() }
    }

    /// Makes sure that a batch is being recorded.
    #[inline]
    fn open_batch(&mut self, queue: usize) -> Result<()> {
        if self.queues[queue].open.is_some() { Ok(()) } else { self.begin_batch(queue) }
    }

    fn begin_batch(&mut self, queue: usize) -> Result<()> {
        let commands = self.queues[queue].vulkan.begin();
        let mut commands = commands.map_err(|e| self.fail(e))?;
        self.last += 1;
        self.open_batches[queue].store(self.last, Ordering::Relaxed);
        let queue = &mut self.queues[queue];
        if std::mem::take(&mut queue.batch_was_lost) {
            queue.barriers.barrier(Stages::ALL, Stages::ALL);
            commands.barrier(Stages::ALL, Stages::ALL);
            // The waits of the lost batch did not happen either.
            queue.waited = QueueSeqs::default();
        }
        queue.open = Some(OpenBatch {
            commands,
            number: self.last,
            count: 0,
            host_writes: Stages::default(),
            waits: Default::default(),
            has_leader: false,
            streams: Default::default(),
        });
        Ok(())
    }

    /// Notes that the work recorded so far in a queue writes staging memory that the host will read.
    pub(crate) fn host_will_read(&mut self, queue: u8) {
        if let Some(open) = &mut self.queues[usize::from(queue)].open {
            open.host_writes.insert(Stage::Transfer.into());
        }
    }
}

/// The last submission of a queue that is known to be done. `last` is the last number that was given out.
#[inline]
fn done_of(queues: &[QueueState], last: u64, queue: usize) -> u64 {
    queues.get(queue).map_or(u64::MAX, |queue| queue.done(last))
}

#[cold]
fn no_batch() -> Error {
    Error::new(Status::Internal, "no batch is open")
}
