//! The device's part of a trace: two timestamps around each command, which are read when its submission is done.

use super::hazard::QueueSeqs;
use super::stream_state::StreamState;
use crate::runtime::base::trace::{Detail, Trace};
use crate::vulkan::{self, Commands, Stamp, StampStage, Stamps};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The two clocks drift apart. If the driver can compare them, they are compared again after this time.
const RECALIBRATE: Duration = Duration::from_secs(1);

/// The name of a command in a trace, and its size.
#[derive(Clone, Copy)]
pub(crate) struct CommandLabel<'a> {
    pub(crate) name: &'a str,
    pub(crate) workgroups: Option<[u32; 3]>,
    pub(crate) bytes: u64,
}

impl<'a> CommandLabel<'a> {
    /// The label of a command that moves so many bytes.
    pub(crate) fn new(name: &'a str, bytes: u64) -> CommandLabel<'a> {
        CommandLabel { name, workgroups: None, bytes }
    }
}

/// A command whose timestamps are not read yet.
struct PendingSpan {
    queue: u8,
    submission: u64,
    stream: Arc<StreamState>,
    name: String,
    detail: Detail,
    start: Stamp,
    /// `None` if there was no memory for it. The start is kept all the same, because a timestamp that is dropped early is given out again
    /// before the device has written it.
    end: Option<Stamp>,
}

/// See the module.
pub(crate) struct GpuTrace {
    trace: &'static Trace,
    process: u32,
    stamps: Stamps,
    /// One moment, as a time of the device's clock and as a time of the trace in nanoseconds.
    calibration: (u64, u64),
    calibrated: Instant,
    pending: VecDeque<PendingSpan>,
    /// The submissions that were done at the last look.
    drained: QueueSeqs,
}

impl GpuTrace {
    pub(crate) fn new(trace: &'static Trace, name: &str, stamps: &Stamps) -> GpuTrace {
        let calibration = stamps.calibrate(trace.origin()).unwrap_or_default();
        let process = trace.device(name);
        GpuTrace {
            trace,
            process,
            stamps: stamps.clone(),
            calibration,
            calibrated: Instant::now(),
            pending: VecDeque::new(),
            drained: QueueSeqs::default(),
        }
    }

    /// Gives the device another name.
    pub(crate) fn rename(&self, name: &str) {
        self.trace.rename_device(self.process, name);
    }

    /// True if the driver cannot compare the clocks, so that a timestamp of known time must.
    pub(crate) fn wants_calibration(&self) -> bool {
        self.calibration == (0, 0)
    }

    /// Notes that the device's clock showed `device` at `host`.
    pub(crate) fn calibrate(&mut self, device: u64, host: Instant) {
        self.calibration = (device, self.trace.since(host));
    }

    /// Records a command between two timestamps.
    pub(crate) fn around<T>(
        &mut self,
        commands: &mut Commands,
        place: (u8, u64, &Arc<StreamState>),
        label: CommandLabel<'_>,
        command: impl FnOnce(&mut Commands) -> T,
    ) -> T {
        let start = self.start(commands);
        let outcome = command(commands);
        if let Some(start) = start {
            self.end(commands, place, label, start);
        }
        outcome
    }

    /// Records the timestamp before a command. `None` if there is no memory for it.
    pub(crate) fn start(&mut self, commands: &mut Commands) -> Option<Stamp> {
        let start = self.stamps.take().ok()?;
        commands.stamp(&start, StampStage::Top);
        Some(start)
    }

    /// Records the timestamp after a command of this queue, submission and stream.
    pub(crate) fn end(&mut self, commands: &mut Commands, place: (u8, u64, &Arc<StreamState>), label: CommandLabel<'_>, start: Stamp) {
        let end = self.stamps.take().ok();
        if let Some(end) = &end {
            commands.stamp(end, StampStage::Bottom);
        }
        let (queue, submission, stream) = place;
        let detail = Detail { workgroups: label.workgroups, bytes: label.bytes };
        self.pending.push_back(PendingSpan { queue, submission, stream: stream.clone(), name: label.name.to_owned(), detail, start, end });
    }

    /// Writes the commands that are done into the trace.
    pub(crate) fn drain(&mut self, done: &QueueSeqs) -> Result<(), vulkan::Error> {
        if self.calibrated.elapsed() > RECALIBRATE {
            self.calibrated = Instant::now();
            self.calibration = self.stamps.calibrate(self.trace.origin()).unwrap_or(self.calibration);
        }
        if *done == self.drained {
            return Ok(());
        }
        self.drained = *done;
        let is_done = |p: &PendingSpan| p.submission <= done[usize::from(p.queue)];
        let (passed, left) = std::mem::take(&mut self.pending).into_iter().partition(is_done);
        self.pending = left;
        let passed: VecDeque<PendingSpan> = passed;
        let now = self.trace.since(Instant::now());
        for pending in passed {
            let Some(end) = &pending.end else { continue };
            // A submission that did not reach the device has no times.
            if let (Some(start), Some(end)) = (pending.start.read()?, end.read()?) {
                let host = |device| self.stamps.host(self.calibration, now, device);
                let times = (host(start), host(end));
                self.trace.device_span(
                    self.process,
                    (pending.stream.id, &pending.stream.label.get()),
                    &pending.name,
                    times,
                    &pending.detail,
                );
            }
        }
        Ok(())
    }
}

impl Drop for GpuTrace {
    fn drop(&mut self) {
        self.trace.close_device();
    }
}
