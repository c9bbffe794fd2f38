//! Waits of the host for the device, and what is done after each.

use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::trace;
use crate::runtime::device::core::Device;
use crate::runtime::schedule::hazard::QueueSeqs;
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::stream_state::StreamState;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Device {
    /// The time at which a wait that begins now ends, by the device's wait_timeout_ns.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.wait_timeout.and_then(|t| Instant::now().checked_add(t))
    }

    /// Waits until the submissions are done. False if the deadline came first. The caller holds no lock.
    pub(crate) fn wait(&self, seqs: &QueueSeqs, deadline: Option<Instant>) -> Result<bool> {
        let mut span = None;
        for (queue, (completion, number)) in self.completions.iter().zip(seqs).enumerate() {
            if *number > completion.done() && span.is_none() {
                span = trace::span("wait");
            }
            if *number > completion.sent() {
                self.commit_group(queue, *number, deadline)?;
            }
            if *number > 0 && !completion.wait(*number, deadline).map_err(|e| self.lock().fail(e))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// As `wait`, for a call that owes data: to reach the deadline is a failure.
    pub(crate) fn wait_or_fail(&self, seqs: &QueueSeqs, deadline: Option<Instant>) -> Result<()> {
        if self.wait(seqs, deadline)? { Ok(()) } else { Err(self.timed_out()) }
    }

    /// As `wait_or_fail` with the device's deadline, for a call that owes data of a stream.
    pub(crate) fn wait_for_stream(&self, stream: &Arc<StreamState>, seqs: &QueueSeqs) -> Result<()> {
        self.wait_or_fail(seqs, self.deadline()).map_err(|e| self.reason(stream, e))
    }

    /// Why a wait for a stream failed. If another thread could not submit the stream's work, this is the error of that attempt, which no
    /// other call on the stream then returns.
    pub(crate) fn reason(&self, stream: &Arc<StreamState>, e: Error) -> Error {
        if e.status == Status::Driver { self.lock().take_loss(stream).err().unwrap_or(e) } else { e }
    }

    /// After a wait: does what has come up, and returns the error of earlier queued work of the stream (of any stream, for `None`).
    pub(crate) fn finish_wait(&self, stream: Option<&Arc<StreamState>>) -> Result<()> {
        self.finish_wait_and(|scheduler| scheduler.take_failure(stream))
    }

    /// After a wait: copies what pending reads brought, reads what kernels reported, and frees what the GPU has passed. If there was
    /// anything to do, `then` is called under the scheduler's lock.
    pub(crate) fn finish_wait_and(&self, then: impl FnOnce(&mut Scheduler) -> Result<()>) -> Result<()> {
        let any = self.has_pending.load(Ordering::Acquire) || self.drops.any() || self.reports.any();
        if !any {
            // Nothing has come up since the last look. That is nearly always so, and many threads may be here.
            return Ok(());
        }
        self.finish_reads()?;
        self.read_reports()?;
        let mut scheduler = self.lock();
        self.reap(&mut scheduler);
        let outcome = then(&mut scheduler);
        scheduler.update_pending_flag();
        outcome
    }

    /// The error of a call that could not do what it owes within the device's wait_timeout_ns.
    pub(crate) fn timed_out(&self) -> Error {
        let limit = self.wait_timeout.unwrap_or_default().as_nanos();
        let message = format!("the GPU did not finish within the wait_timeout_ns of {limit} of device '{}'", self.label);
        Error::new(Status::TimedOut, message)
    }
}
