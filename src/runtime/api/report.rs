//! What kernels report (AVX_KERNEL_DEBUG): each dispatch of one gets a buffer of its own, which is read once the dispatch is done, by
//! the next call that waits or reads. What it says goes to the log; an assertion that failed is also an error of its stream.

use super::device::{Device, Inside};
use crate::compile::debug::{DebugInfo, DebugRecord, HEADER, Severity};
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::log::{self, Level};
use crate::runtime::kernel::program::Program;
use crate::runtime::object::buffer::{self, Buffer};
use crate::runtime::schedule::failures::Since;
use crate::runtime::schedule::hazard::{Clock, Stage, Use};
use crate::runtime::schedule::stream_state::Line;
use crate::runtime::stream::turn::Touches;
use crate::vulkan::Slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a dispatch's buffer, unless AVX_GPU_DEBUG_BYTES says otherwise.
const BYTES: u64 = 4 << 20;
/// The least and the most that it can say.
const LEAST: u64 = 256;
const MOST: u64 = 64 << 20;
/// Bytes of buffers that wait to be read, at most, before a dispatch waits for the oldest.
const WAITING: u64 = 64 << 20;

/// The buffers of a device.
#[derive(Default)]
pub(crate) struct Reports {
    /// Something was dispatched that reports.
    used: AtomicBool,
    /// Held by the thread that reads. Taken before any other lock.
    reading: Mutex<()>,
    /// Taken with no other lock behind it.
    buffers: Mutex<Buffers>,
}

#[derive(Default)]
struct Buffers {
    /// All zeros, and in no use.
    idle: Vec<Arc<Buffer>>,
    waiting: Vec<Waiting>,
}

/// A buffer that a dispatch reports into.
struct Waiting {
    buffer: Arc<Buffer>,
    debug: Arc<DebugInfo>,
    kernel: Arc<str>,
    stream: Arc<Line>,
    /// How many records of events the stream had.
    records: u64,
    lane: u8,
    /// The dispatch is done when this submission is.
    submission: u64,
}

/// The buffer of a dispatch that is about to be queued.
pub(crate) struct Report<'a> {
    device: &'a Device,
    line: &'a Line,
    waiting: Option<Waiting>,
}

impl Report<'_> {
    /// The buffer as the kernel's last binding.
    pub(crate) fn slice(&self) -> Slice {
        self.waiting.as_ref().map_or(Slice::default(), |waiting| waiting.buffer.slice(&(0..waiting.buffer.size)))
    }

    /// Adds the buffer to what the dispatch touches.
    pub(crate) fn touch(&self, touches: &mut Touches) {
        if let Some(Waiting { buffer, .. }) = &self.waiting {
            touches.add(buffer.clone(), Use { range: 0..buffer.size, stage: Stage::Compute, write: true, unordered: false });
        }
    }
}

impl Drop for Report<'_> {
    /// The dispatch is queued, or failed: read when all that the stream has queued until now is done, which covers both.
    fn drop(&mut self) {
        if let Some(mut waiting) = self.waiting.take() {
            waiting.submission = self.line.last();
            self.device.reports.buffers().waiting.push(waiting);
        }
    }
}

impl Reports {
    fn buffers(&self) -> MutexGuard<'_, Buffers> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if there may be something to read.
    pub(crate) fn any(&self) -> bool {
        self.used.load(Ordering::Acquire)
    }
}

/// Bytes of each buffer.
fn size(device: &Device) -> u64 {
    let asked = std::env::var("AVX_GPU_DEBUG_BYTES").ok().and_then(|text| text.trim().parse().ok());
    (asked.unwrap_or(BYTES).clamp(LEAST, MOST) & !3).min(device.compile.limits.max_storage_range & !3)
}

/// A buffer for a dispatch of a kernel that reports; `None` for others. Waits while many are not read.
pub(crate) fn begin<'a>(device: &'a Inside, line: &'a Arc<Line>, program: &Program) -> Result<Option<Report<'a>>> {
    let Some(debug) = program.compiled.debug() else { return Ok(None) };
    device.reports.used.store(true, Ordering::Release);
    let size = size(device);
    let oldest = {
        let buffers = device.reports.buffers();
        let full = buffers.waiting.len() as u64 * size >= WAITING;
        buffers.waiting.first().filter(|_| full).map(|waiting| (waiting.lane, waiting.submission))
    };
    if let Some((lane, submission)) = oldest {
        let mut clock = Clock::default();
        clock[usize::from(lane)] = submission;
        let clock = device.lock().flush_to(clock)?;
        device.wait_or_fail(&clock, device.deadline())?;
        device.read_reports()?;
    }
    let idle = device.reports.buffers().idle.pop();
    let buffer = match idle {
        Some(buffer) => buffer,
        None => buffer::own(device, size, "reports of a kernel")?,
    };
    let waiting = Waiting {
        buffer,
        debug: debug.clone(),
        kernel: program.label.clone(),
        stream: line.clone(),
        records: line.failures.records(),
        lane: line.lane,
        submission: u64::MAX,
    };
    Ok(Some(Report { device, line, waiting: Some(waiting) }))
}

impl Device {
    /// Reads what the dispatches that are done have reported, and waits for another thread that does so.
    pub(crate) fn read_reports(&self) -> Result<()> {
        if !self.reports.any() {
            return Ok(());
        }
        let _one_at_a_time = self.reports.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if self.reports.buffers().waiting.is_empty() {
            return Ok(());
        }
        let done = {
            let mut engine = self.lock();
            for lane in 0..engine.lanes.len() {
                let polled = engine.lanes[lane].queue.completion().poll();
                polled.map_err(|e| engine.fail(e))?;
            }
            engine.done()
        };
        let is_done = |waiting: &mut Waiting| waiting.submission <= done[usize::from(waiting.lane)];
        let ready: Vec<Waiting> = self.reports.buffers().waiting.extract_if(.., is_done).collect();
        for waiting in ready {
            let failed = waiting.read();
            if let Some(message) = failed {
                let failure = Arc::new(Error::new(Status::Assertion, message));
                self.lock().keep_failure(&waiting.stream, &failure, Since::Records(waiting.records));
            }
            self.reports.buffers().idle.push(waiting.buffer);
        }
        Ok(())
    }

    /// Gives the memory of idle buffers back; all of them go when the device does.
    pub(crate) fn trim_reports(&self, all: bool) {
        let (idle, waiting) = {
            let mut buffers = self.reports.buffers();
            (std::mem::take(&mut buffers.idle), if all { std::mem::take(&mut buffers.waiting) } else { Vec::new() })
        };
        idle.iter().chain(waiting.iter().map(|waiting| &waiting.buffer)).for_each(|buffer| self.free_track(buffer.track));
    }
}

impl Waiting {
    /// Logs what the buffer says and makes it zeros again; the first assertion that failed.
    fn read(&self) -> Option<String> {
        let window = self.buffer.window?;
        let used = DebugInfo::used(&window.words(0, HEADER), (self.buffer.size / 4) as usize);
        let reading = self.debug.read(&window.words(0, used));
        window.zero(0, 4 * used as u64);
        let records = &reading.records;
        let mut assertions = records.iter().filter(|record| record.severity == Severity::Assert);
        let failed = match (assertions.next(), &reading.failed) {
            (Some(record), _) => {
                let more = assertions.count();
                let more = if more > 0 { format!("; and {more} more, see the log") } else { String::new() };
                Some(format!("{}{more}", self.line(record)))
            }
            (None, Some(text)) => Some(format!("kernel '{}': {text}; the report of the invocation found no room", self.kernel)),
            (None, None) => None,
        };
        let mut lines: Vec<(Level, String)> = records.iter().map(|record| (level(record.severity), self.line(record))).collect();
        if reading.lost > 0 {
            let (lost, size) = (reading.lost, self.buffer.size);
            let more = (size * 4).min(MOST);
            let text = format!(
                "kernel '{}': {lost} more reports of this dispatch found no room in {size} bytes; AVX_GPU_DEBUG_BYTES={more} in the \
                 environment makes more ({MOST} at most)",
                self.kernel
            );
            lines.push((Level::Warn, text));
        }
        log::reports(lines);
        failed
    }

    /// A record as a line.
    fn line(&self, record: &DebugRecord) -> String {
        let [x, y, z] = record.invocation;
        format!("kernel '{}' ({x}, {y}, {z}): {}", self.kernel, record.text)
    }
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Print => Level::Info,
        Severity::Bounds => Level::Warn,
        Severity::Assert => Level::Error,
    }
}
