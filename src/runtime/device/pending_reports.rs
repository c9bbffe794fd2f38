//! What kernels reported and no thread has read yet.

use super::storage::Storage;
use crate::compile::debug::{DebugInfo, DebugRecord, HEADER, Severity};
use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::runtime::base::log::{self, DeviceLog, Level};
use crate::runtime::schedule::hazard::{Access, QueueSeqs, Stage};
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::schedule::tracker::BufferAccess;
use crate::vulkan::Slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most bytes of the buffer of one dispatch.
pub(crate) const MOST: u64 = 64 << 20;

/// The buffers that the kernels of a device report into.
#[derive(Default)]
pub(crate) struct Reports {
    /// A kernel that reports was dispatched.
    used: AtomicBool,
    /// Held by the thread that reads.
    reading: Lock<(), { rank::REPORT_READER }>,
    buffers: Lock<Buffers, { rank::REPORT_BUFFERS }>,
}

#[derive(Default)]
struct Buffers {
    /// Buffers that are not in use. All their bytes are zero.
    idle: Vec<Storage>,
    waiting: Vec<PendingReport>,
}

/// A buffer that a dispatch reports into, and what reading it needs.
pub(crate) struct PendingReport {
    pub(crate) storage: Storage,
    debug: Arc<DebugInfo>,
    kernel: Arc<str>,
    pub(crate) stream: Arc<StreamState>,
    /// The number of records of events that the stream had.
    pub(crate) records: u64,
    queue: u8,
    /// The dispatch is done when this submission is.
    submission: u64,
}

/// The buffer of a dispatch that is about to be queued.
pub(crate) struct Report<'a> {
    reports: &'a Reports,
    stream: &'a StreamState,
    waiting: Option<PendingReport>,
}

impl Report<'_> {
    /// The buffer, as the last binding of the kernel.
    pub(crate) fn slice(&self) -> Slice {
        self.waiting.as_ref().map_or(Slice::default(), |waiting| waiting.storage.slice(&(0..waiting.storage.size)))
    }

    /// The access of the dispatch to the buffer.
    pub(crate) fn access(&self) -> Option<BufferAccess> {
        let storage = &self.waiting.as_ref()?.storage;
        let access = Access { range: 0..storage.size, stage: Stage::Compute, write: true, unordered: false };
        Some(BufferAccess { id: storage.id, access })
    }
}

impl Drop for Report<'_> {
    /// The dispatch was queued or has failed. The report is read when everything that the stream has queued until now is done, which covers
    /// both cases.
    fn drop(&mut self) {
        if let Some(mut waiting) = self.waiting.take() {
            waiting.submission = self.stream.last();
            self.reports.buffers().waiting.push(waiting);
        }
    }
}

impl Reports {
    fn buffers(&self) -> Guard<'_, Buffers> {
        self.buffers.lock()
    }

    /// The lock that a thread holds while it reads reports, so that reports keep their order.
    pub(crate) fn reading(&self) -> Guard<'_, ()> {
        self.reading.lock()
    }

    /// The queue and submission of the oldest report, if at least `most` bytes of buffers are not read yet.
    pub(crate) fn oldest_of(&self, most: u64) -> Option<(u8, u64)> {
        let waiting = &self.buffers().waiting;
        let bytes = waiting.iter().map(|waiting| waiting.storage.size).sum::<u64>();
        waiting.first().filter(|_| bytes >= most).map(|waiting| (waiting.queue, waiting.submission))
    }

    /// Takes a buffer that is not in use. All its bytes are zero.
    pub(crate) fn take_idle(&self) -> Option<Storage> {
        self.buffers().idle.pop()
    }

    /// Puts a buffer back. All its bytes are zero.
    pub(crate) fn put_idle(&self, storage: Storage) {
        self.buffers().idle.push(storage);
    }

    /// The report of a dispatch that is about to be queued, into a buffer of its own.
    pub(crate) fn begin<'a>(
        &'a self,
        storage: Storage,
        stream: &'a Arc<StreamState>,
        debug: &Arc<DebugInfo>,
        kernel: &Arc<str>,
    ) -> Report<'a> {
        let (debug, kernel) = (debug.clone(), kernel.clone());
        let waiting = PendingReport {
            storage,
            debug,
            kernel,
            stream: stream.clone(),
            records: stream.failures.records(),
            queue: stream.queue,
            submission: u64::MAX,
        };
        Report { reports: self, stream, waiting: Some(waiting) }
    }

    /// Takes out the reports whose dispatches are done.
    pub(crate) fn take_done(&self, done: &QueueSeqs) -> Vec<PendingReport> {
        self.buffers().waiting.extract_if(.., |waiting| waiting.submission <= done[usize::from(waiting.queue)]).collect()
    }

    /// True if no report waits to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffers().waiting.is_empty()
    }

    /// Takes out the buffers that are not in use; all buffers, if the device is being destroyed.
    pub(crate) fn take_buffers(&self, all: bool) -> Vec<Storage> {
        let mut buffers = self.buffers();
        let mut taken = std::mem::take(&mut buffers.idle);
        if all {
            taken.extend(std::mem::take(&mut buffers.waiting).iter().map(|waiting| waiting.storage));
        }
        taken
    }

    /// Notes that a kernel that reports is dispatched.
    pub(crate) fn mark_used(&self) {
        self.used.store(true, Ordering::Release);
    }

    /// True if there may be a report to read.
    pub(crate) fn any(&self) -> bool {
        self.used.load(Ordering::Acquire)
    }
}

impl PendingReport {
    /// Logs what the buffer says and clears it. Returns the message of the first assertion that failed.
    pub(crate) fn read(&self, log: &Arc<DeviceLog>) -> Option<String> {
        let host_view = self.storage.host_view?;
        let used = DebugInfo::used(&host_view.words(0, HEADER), (self.storage.size / 4) as usize);
        let reading = self.debug.read(&host_view.words(0, used));
        host_view.zero(0, 4 * used as u64);
        let records = &reading.records;
        let mut assertions = records.iter().filter(|record| record.severity == Severity::Assert);
        let failed = match (assertions.next(), &reading.failed) {
            (Some(record), _) => {
                let more = assertions.count();
                let more = if more > 0 { format!("; and {more} more, see the log") } else { String::new() };
                Some(format!("{}{more}", self.text_of(record)))
            }
            (None, Some(text)) => Some(format!("kernel '{}': {text}; the report of the invocation found no room", self.kernel)),
            (None, None) => None,
        };
        let kernel = Some(self.kernel.clone());
        let stream = |record: &DebugRecord| log::Record {
            level: level(record.severity),
            text: self.text_of(record),
            kernel: kernel.clone(),
            invocation: Some(record.invocation),
        };
        let mut lines: Vec<log::Record> = records.iter().map(stream).collect();
        if reading.lost > 0 {
            let (lost, size) = (reading.lost, self.storage.size);
            let more = (size * 4).min(MOST);
            let text = format!(
                "kernel '{}': {lost} more reports of this dispatch found no room in {size} bytes; AVX_GPU_DEBUG_BYTES={more} in the \
                 environment makes more ({MOST} at most)",
                self.kernel
            );
            lines.push(log::Record { level: Level::Warn, text, kernel, invocation: None });
        }
        log.reports(lines);
        failed
    }

    /// The text of a record.
    fn text_of(&self, record: &DebugRecord) -> String {
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
