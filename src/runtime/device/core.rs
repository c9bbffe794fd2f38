//! The device: everything that belongs to one.

use super::cache_saver::CacheSaver;
use super::gate::CallGate;
use super::pending_reports::Reports;
use super::scheduler_lock::SchedulerLock;
use crate::compile::Variant;
use crate::runtime::base::copy_pool::CopyPool;
use crate::runtime::base::error::Result;
use crate::runtime::base::handle::Token;
use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::runtime::base::name::Name;
use crate::runtime::kernel::code_cache::CodeCache;
use crate::runtime::kernel::context::CompileContext;
use crate::runtime::kernel::own_kernels::OwnKernels;
use crate::runtime::kernel::pipeline_cache::PipelineCacheFile;
use crate::runtime::kernel::program::Compiled;
use crate::runtime::schedule::deferred_free::DropQueue;
use crate::runtime::schedule::hazard::MAX_QUEUES;
use crate::runtime::schedule::regions::Regions;
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::staging::Returned;
use crate::runtime::schedule::stream_state::StreamState;
use crate::vulkan::{self, Completion, Memory, Pipeline, Stamps};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, OnceLock};
use std::time::Duration;

/// An open device. The fields are dropped in order, so what uses the Vulkan device stands before it.
pub(crate) struct Device {
    pub(crate) label: Name,
    /// The handle of the default stream.
    pub(crate) default_stream_name: OnceLock<Token>,
    /// The default stream itself.
    pub(crate) default_stream: Arc<StreamState>,
    pub(crate) queue_count: usize,
    pub(crate) streams_made: AtomicU64,
    pub(crate) wait_timeout: Option<Duration>,
    pub(crate) gate: CallGate,
    pub(crate) scheduler: SchedulerLock,
    /// Signalled when work is held back and the flush thread sleeps, or when the device is being destroyed.
    pub(crate) flush_wanted: Condvar,
    pub(crate) flush_thread: Lock<Option<std::thread::JoinHandle<()>>, { rank::FLUSH_THREAD }>,
    /// The scheduler's flag, for readers without its lock.
    pub(crate) has_pending: Arc<AtomicBool>,
    /// The scheduler's numbers of open batches, for readers without its lock.
    pub(crate) open_batches: Arc<[AtomicU64; MAX_QUEUES]>,
    pub(crate) returned: Returned,
    /// One for each queue.
    pub(crate) completions: Vec<Arc<Completion>>,
    pub(crate) copy_pool: CopyPool,
    pub(crate) regions: Regions,
    pub(crate) own_kernels: OwnKernels,
    pub(crate) reports: Reports,
    /// The clock of the device's queues, if they have one.
    pub(crate) stamps: Option<Stamps>,
    /// What is to be freed and the scheduler does not know yet.
    pub(crate) drops: Arc<DropQueue>,
    /// How often something was recorded. It is written under the scheduler's lock.
    pub(crate) recorded: AtomicU64,
    pub(crate) code: CodeCache,
    pub(crate) compile: CompileContext,
    pub(crate) pipeline_cache_file: Option<PipelineCacheFile>,
    pub(crate) cache_saver: Arc<CacheSaver>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) vulkan: Arc<vulkan::Device>,
}

impl Device {
    /// Locks the scheduler. A caller holds the lock for as long as it takes to record something, and never across a wait for the GPU.
    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, Scheduler> {
        self.scheduler.lock()
    }

    /// The completion of a queue.
    pub(crate) fn completion(&self, queue: u8) -> &Arc<Completion> {
        &self.completions[usize::from(queue)]
    }

    /// True for the default stream, by NULL or by its handle.
    #[inline]
    pub(crate) fn is_default(&self, stream: Token) -> bool {
        stream.is_null() || self.default_stream_name.get() == Some(&stream)
    }

    /// The pipeline for a way of dispatching compiled code. It is made at its first use.
    pub(crate) fn pipeline<'c>(self: &Arc<Self>, compiled: &'c Compiled, variant: Variant) -> Result<&'c Pipeline> {
        if let Some(pipeline) = compiled.made(variant) {
            return Ok(pipeline);
        }
        let pipeline = compiled.pipeline(&self.compile, variant, |e| self.lock().fail(e))?;
        self.save_cache_later();
        Ok(pipeline)
    }
}
