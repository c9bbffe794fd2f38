//! What kernels report (AVX_KERNEL_DEBUG). Each dispatch of such a kernel gets a buffer of its own. The next call that waits or reads also
//! reads the buffers of the dispatches that are done. What a buffer says goes to the log, and an assertion that failed is also a failure of
//! the stream.

use super::pending_reports::{MOST, Report};
use super::storage::Storage;
use crate::runtime::base::environment;
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::device::core::Device;
use crate::runtime::kernel::program::Program;
use crate::runtime::schedule::failures::Since;
use crate::runtime::schedule::hazard::seqs_of;
use crate::runtime::schedule::stream_state::StreamState;
use crate::vulkan::MemoryKind;
use std::sync::{Arc, OnceLock};

/// The bytes of a dispatch's buffer, unless AVX_GPU_DEBUG_BYTES says otherwise.
const BYTES: u64 = 4 << 20;
/// The fewest bytes that AVX_GPU_DEBUG_BYTES can ask for.
const LEAST: u64 = 256;
/// If this many bytes of buffers wait to be read, a dispatch waits for the oldest.
const WAITING: u64 = 64 << 20;

/// The bytes of each buffer. The variable is read once, so that a mistake in it is told once.
fn size(device: &Device) -> u64 {
    static ASKED: OnceLock<Option<u64>> = OnceLock::new();
    let asked = *ASKED.get_or_init(|| environment::number("AVX_GPU_DEBUG_BYTES", LEAST..=MOST));
    (asked.unwrap_or(BYTES) & !3).min(device.compile.limits.max_storage_range & !3)
}

impl Device {
    /// A buffer for a dispatch of a kernel that reports; `None` for other kernels. Waits while too many buffers are not read.
    pub(crate) fn begin_report<'a>(&'a self, stream: &'a Arc<StreamState>, program: &Program) -> Result<Option<Report<'a>>> {
        let Some(debug) = program.compiled.debug() else { return Ok(None) };
        self.reports.mark_used();
        if let Some((queue, submission)) = self.reports.oldest_of(WAITING) {
            let seqs = self.lock().flush_to(seqs_of(queue, submission))?;
            self.wait_or_fail(&seqs, self.deadline())?;
            self.read_reports()?;
        }
        let storage = match self.reports.take_idle() {
            Some(storage) => storage,
            None => self.report_storage()?,
        };
        Ok(Some(self.reports.begin(storage, stream, debug, &program.label)))
    }

    /// A new buffer, all zeros, in memory that the host reads fast.
    fn report_storage(&self) -> Result<Storage> {
        let size = size(self);
        let allocation = self.allocate(MemoryKind::Readback, size, 256, "reports of a kernel")?;
        let Some(view) = allocation.host_view() else {
            self.free(allocation);
            return Err(Error::new(Status::Internal, "memory for the host has no host view"));
        };
        view.zero(0, size);
        let mut scheduler = self.lock();
        Ok(Storage::new(size, allocation, |allocation, host_reads| scheduler.tracker.add(Some(allocation), host_reads)))
    }

    /// Reads what the dispatches that are done have reported. If another thread is doing that, waits for it.
    pub(crate) fn read_reports(&self) -> Result<()> {
        if !self.reports.any() {
            return Ok(());
        }
        let _one_at_a_time = self.reports.reading();
        if self.reports.is_empty() {
            return Ok(());
        }
        let done = self.lock().poll()?;
        for report in self.reports.take_done(&done) {
            if let Some(message) = report.read(&self.compile.log) {
                let failure = Arc::new(Error::new(Status::Assertion, message));
                self.lock().keep_failure(&report.stream, &failure, Since::Records(report.records));
            }
            self.reports.put_idle(report.storage);
        }
        Ok(())
    }

    /// Frees the buffers that are not in use; all buffers, if the device is being destroyed.
    pub(crate) fn trim_reports(&self, all: bool) {
        self.reports.take_buffers(all).into_iter().for_each(|storage| self.free_buffer(storage.id));
    }
}
