//! Devices: opened, described, waited for, closed.

use super::{event, graph};
use crate::runtime::base::copy_pool::CopyPool;
use crate::runtime::base::deadline::{deadline_after, unfinished};
use crate::runtime::base::environment;
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::Token;
use crate::runtime::base::lock::Lock;
use crate::runtime::base::log::{self, DeviceLog, Sink};
use crate::runtime::base::name::Name;
use crate::runtime::base::trace;
use crate::runtime::device::core::Device;
use crate::runtime::device::gate::CallGate;
use crate::runtime::device::guard;
use crate::runtime::device::pending_reports::Reports;
use crate::runtime::device::scheduler_lock::SchedulerLock;
use crate::runtime::kernel::adapters;
use crate::runtime::kernel::code_cache::CodeCache;
use crate::runtime::kernel::context::{self, CompileContext};
use crate::runtime::kernel::offline;
use crate::runtime::kernel::own_kernels::{self, OwnKernels};
use crate::runtime::kernel::pipeline_cache::PipelineCacheFile;
use crate::runtime::kernel::properties::{CooperativeShape, DeviceProperties, HeapProperties, MemoryUsage};
use crate::runtime::kernel::spirv_cache::SpirvCache;
use crate::runtime::object::buffer;
use crate::runtime::object::kernel;
use crate::runtime::schedule::gpu_trace::{CommandLabel, GpuTrace};
use crate::runtime::schedule::hazard::MAX_QUEUES;
use crate::runtime::schedule::regions::Regions;
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::staging::{Returned, Staging};
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::stream::destination;
use crate::sys;
pub(crate) use crate::sys::{DefaultThreadState, enter, forked, is_alive, is_ending, is_inside};
use crate::vulkan::{self, Instance, PipelineCache, Queue, Snapshot, Spin, Stamps, select};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, OnceLock};
use std::time::{Duration, Instant};

/// Options of a new device, as the caller gave them.
#[derive(Default)]
pub(crate) struct Options {
    /// A sink for the device's own lines, up to a level.
    pub(crate) log: Option<(Sink, log::Level)>,
    pub(crate) validation: bool,
    pub(crate) no_cpu: bool,
    pub(crate) device: Option<String>,
    /// `None` is the default folder, and an empty text is no disk cache.
    pub(crate) cache_dir: Option<String>,
    pub(crate) label: Option<String>,
    /// 0: no limit.
    pub(crate) wait_timeout_ns: u64,
    /// How long a waiting thread spins before it blocks. `None` is the default.
    pub(crate) spin: Option<Duration>,
    /// The threads that large transfers use. With 0 the machine decides.
    pub(crate) copy_threads: u32,
}

/// The queues of a device by default. Two let independent work overlap, and each queue costs time and memory to create.
const QUEUES: usize = 2;
/// A wait that blocks ends some 20 us late, and short kernels take less than this.
const SPIN: Duration = Duration::from_micros(50);

/// The number of queues that AVX_GPU_QUEUES asks for. It is read once, so that a mistake in it is told once.
fn queues_wanted() -> Option<usize> {
    static WANTED: OnceLock<Option<u64>> = OnceLock::new();
    WANTED.get_or_init(|| environment::number("AVX_GPU_QUEUES", 1..=MAX_QUEUES as u64)).map(|count| count as usize)
}

/// Describes all visible devices, usable or not.
pub(crate) fn describe_all() -> Result<Vec<DeviceProperties>> {
    let snapshots = adapters::visible(&*adapters::instance(false)?)?.snapshots;
    Ok(snapshots
        .iter()
        .enumerate()
        .map(|(i, s)| DeviceProperties::of(s, i as u32, adapters::environment_flag("AVX_GPU_BASELINE")))
        .collect())
}

/// Describes the visible device at `index`.
pub(crate) fn describe(index: u32) -> Result<DeviceProperties> {
    let mut all = describe_all()?;
    let count = all.len();
    if index as usize >= count {
        return Err(Error::new(Status::OutOfRange, format!("index {index}: {count} devices are visible, numbered from 0")));
    }
    Ok(all.swap_remove(index as usize))
}

/// Opens a device.
pub(crate) fn create(options: &Options) -> Result<Token> {
    sys::at_exit_wait_for_work(guard::wait_for_work);
    let log = Arc::new(DeviceLog::new(options.log.clone()));
    open(options, &log).inspect_err(|_| close_log(&log))
}

/// Delivers the last lines. When this returns, the device's sink is not called any more.
fn close_log(log: &DeviceLog) {
    log::deliver();
    log.close();
}

fn open(options: &Options, log: &Arc<DeviceLog>) -> Result<Token> {
    let selector = options.device.as_deref().filter(|s| !s.trim().is_empty()).map(select::parse).transpose()?;
    let instance = adapters::instance(options.validation)?;
    let visible = adapters::visible(&instance)?;
    let open = |index: usize| open_one(options, log, &instance, (index, &visible.snapshots[index]));
    let (token, warning) = visible.open(selector.as_ref(), !options.no_cpu, open)?;
    if let Some(warning) = warning {
        log.line(log::Level::Warn, warning);
    }
    Ok(token)
}

/// Opens the device with this number.
fn open_one(options: &Options, log: &Arc<DeviceLog>, instance: &Arc<Instance>, (index, snapshot): (usize, &Snapshot)) -> Result<Token> {
    let follows_queues = !instance.validating() || instance.layer_follows_queues();
    let count = queues_wanted().or((!follows_queues).then_some(1));
    let compilers = offline::warm_compilers(own_kernels::COPY);
    let baseline = adapters::environment_flag("AVX_GPU_BASELINE");
    let vulkan = Arc::new(vulkan::Device::open(Arc::clone(instance), snapshot, baseline, count.unwrap_or(QUEUES))?);
    // More queues than the device has would share those that it has.
    let count = if vulkan.features().timeline_semaphore { count.unwrap_or(vulkan.queues().len()) } else { 1 };
    let memory = Arc::new(vulkan::memory_of(&vulkan)?);
    let pipeline_cache_file =
        PipelineCacheFile::open(options.cache_dir.as_deref(), snapshot, log).filter(|_| !snapshot.quirks.caches_itself);
    let target = context::target(&vulkan);
    let spirv_cache = SpirvCache::open(options.cache_dir.as_deref(), &target, log);
    let pipelines = PipelineCache::new(&vulkan, &pipeline_cache_file.as_ref().map(PipelineCacheFile::load).unwrap_or_default())?;
    let spin = Spin::new(options.spin.unwrap_or(SPIN));
    let queues: Vec<Queue> = (0..count).map(|i| Queue::new(&vulkan, i, &spin)).collect::<std::result::Result<_, _>>()?;
    let scheduler = Scheduler::new(queues, Staging::new(&memory, count));
    let completions: Vec<_> = scheduler.queues.iter().map(|queue| queue.vulkan.completion().clone()).collect();
    let device = Arc::new(Device {
        label: Name::new(options.label.as_deref(), &snapshot.title),
        default_stream_name: OnceLock::new(),
        default_stream: StreamState::of_default(),
        queue_count: count,
        streams_made: AtomicU64::new(1),
        wait_timeout: (options.wait_timeout_ns > 0).then(|| Duration::from_nanos(options.wait_timeout_ns)),
        gate: CallGate::default(),
        completions: completions.clone(),
        has_pending: scheduler.has_pending.clone(),
        open_batches: scheduler.open_batches.clone(),
        returned: Returned::default(),
        copy_pool: CopyPool::new(options.copy_threads),
        regions: Regions::default(),
        own_kernels: OwnKernels::default(),
        reports: Reports::default(),
        stamps: Stamps::new(&vulkan)?,
        drops: Arc::default(),
        recorded: AtomicU64::new(0),
        scheduler: SchedulerLock::new(scheduler, completions),
        flush_wanted: Condvar::new(),
        flush_thread: Lock::new(None),
        code: CodeCache::default(),
        compile: CompileContext {
            log: log.clone(),
            vulkan: vulkan.clone(),
            index: index as u32,
            limits: context::limits(&vulkan),
            target,
            compilers,
            spirv_cache,
            pipelines,
        },
        pipeline_cache_file,
        cache_saver: Arc::default(),
        memory,
        vulkan,
    });
    let stream = destination::name(&device, device.default_stream.clone())?;
    device.default_stream_name.get_or_init(|| stream);
    begin_trace(&device).inspect_err(|_| drop(destination::remove(stream)))?;
    let text = format!("opened '{}' ({}, {})", device.label, snapshot.driver_name, snapshot.driver_version());
    let token = guard::name(device).inspect_err(|_| drop(destination::remove(stream)))?;
    log.set_device(token);
    log.line(log::Level::Info, text);
    Ok(token)
}

/// Failed waits, 10 ms apart, after which closing a device no longer asks how far the work is.
const MAX_FAILED_WAITS: u32 = 20;

/// Closes a device: see avx_destroy.
pub(crate) fn destroy(token: Token) -> Result<()> {
    let device = guard::remove(token)?;
    device.gate.close();
    let seqs = {
        let mut scheduler = device.lock();
        scheduler.closed = true;
        // Work that cannot be submitted is given up. What is in flight is waited for all the same.
        drop(scheduler.flush());
        scheduler.submitted()
    };
    let mut is_finished = true;
    for (completion, number) in device.completions.iter().zip(seqs) {
        // A lost device does not finish its work. Another failure of the wait (no memory) may pass.
        let mut tries = 0;
        loop {
            match completion.wait(number, None) {
                Ok(true) => break,
                Ok(false) => {
                    // The process is ending. The device stays as it is, under a name that nobody has, so that the exit handler waits for its
                    // work and nothing is freed before.
                    let name = device.label.get();
                    guard::name(device)?;
                    return Err(Error::new(Status::Exiting, format!("the process is ending; '{name}' ends with it")));
                }
                Err(e) => {
                    tries += 1;
                    if e.kind == vulkan::ErrorKind::DeviceLost || tries == MAX_FAILED_WAITS {
                        is_finished = false;
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
    }
    if !is_finished {
        // Nothing may be freed before the driver is done with it. If this fails too, the driver has told all that it can tell.
        drop(device.vulkan.wait_idle());
    }
    drop(device.finish_reads());
    // No caller is left to get a failure, so only the log has it.
    drop(device.read_reports());
    device.trim_reports(true);
    device.lock().stop = true;
    device.flush_wanted.notify_all();
    if let Some(thread) = device.flush_thread.lock().take() {
        drop(thread.join());
    }
    {
        let mut scheduler = device.lock();
        scheduler.trace_done();
        scheduler.trace_into(None);
    }
    device.save_cache_and_stop();
    device.compile.compilers.clear();
    let owned = |other: &Arc<Device>| Arc::ptr_eq(other, &device);
    drop(graph::remove_all(owned));
    drop(event::remove_all(owned));
    drop(buffer::remove_all(owned));
    drop(kernel::remove_all(owned));
    drop(destination::remove_all(owned));
    device.regions.clear().into_iter().for_each(|id| device.free_buffer(id));
    // What is freed may add more, such as a graph that ends adds its kernels. A lost device never passes the last use of what is left, and
    // that would keep the device, because a graph's content holds buffers and a buffer holds its device.
    loop {
        let rest = {
            let mut scheduler = device.lock();
            device.reap(&mut scheduler);
            scheduler.reap_all()
        };
        if rest.is_empty() && !device.drops.any() {
            break;
        }
        device.free_deferred(rest);
    }
    device.compile.log.line(log::Level::Info, format!("closed '{}'", device.label));
    close_log(&device.compile.log);
    Ok(())
}

/// Describes an open device.
pub(crate) fn properties(token: Token) -> Result<DeviceProperties> {
    let device = guard::enter(token)?;
    let mut properties =
        DeviceProperties::of(device.vulkan.snapshot(), device.compile.index, adapters::environment_flag("AVX_GPU_BASELINE"));
    properties.heaps = heaps(&device);
    Ok(properties)
}

/// The shapes of cooperative matrices that an open device multiplies.
pub(crate) fn cooperative_shapes(token: Token) -> Result<Vec<CooperativeShape>> {
    let device = guard::enter(token)?;
    let is_on = device.vulkan.features().cooperative_matrix;
    let shapes = device.vulkan.snapshot().matrix_shapes.iter().filter(|_| is_on);
    Ok(shapes.map(CooperativeShape::of).collect())
}

/// The memory of an open device.
pub(crate) fn memory_usage(token: Token) -> Result<MemoryUsage> {
    let device = guard::enter(token)?;
    let (buffer_count, _) = buffer::used_by(&device);
    Ok(MemoryUsage { heaps: heaps(&device), buffer_count })
}

/// Waits for all work that was queued before. A timeout of 0 only asks.
pub(crate) fn synchronize(token: Token, timeout_ns: u64) -> Result<()> {
    let device = guard::enter(token)?;
    let deadline = deadline_after(timeout_ns);
    let seqs = {
        let mut scheduler = device.lock();
        let now = scheduler.now();
        scheduler.flush_for(None, now)?
    };
    if !device.wait(&seqs, deadline)? {
        return Err(unfinished(timeout_ns));
    }
    device.finish_wait(None)
}

/// Returns unused memory to the driver, and saves compiled kernels.
pub(crate) fn trim(token: Token) -> Result<()> {
    let device = guard::enter(token)?;
    device.save_cache_now();
    device.trim()
}

/// The handle of the device's default stream.
pub(crate) fn default_stream(token: Token) -> Result<Token> {
    let device = guard::enter(token)?;
    device.default_stream_name.get().copied().ok_or_else(|| Error::new(Status::Internal, "the device has no stream"))
}

/// Has the device's work written into the process's trace, if there is one.
fn begin_trace(device: &Device) -> Result<()> {
    let (Some(trace), Some(stamps)) = (trace::active(), &device.stamps) else { return Ok(()) };
    let mut gpu_trace = GpuTrace::new(trace, &device.label.get(), stamps);
    if gpu_trace.wants_calibration() {
        // The driver cannot compare the clocks, so the device writes a timestamp between two looks at the host's clock. It is as exact as a
        // submission is fast.
        let stamp = stamps.take()?;
        let before = Instant::now();
        let seqs = {
            let mut scheduler = device.lock();
            scheduler.record(
                &device.default_stream,
                &[],
                || CommandLabel::new("calibration", 0),
                |commands, _, _| {
                    commands.stamp(&stamp, vulkan::StampStage::Bottom);
                    Ok(())
                },
            )?;
            scheduler.flush()?
        };
        device.wait(&seqs, None)?;
        let time = stamp.read().map_err(|e| device.lock().fail(e))?;
        gpu_trace.calibrate(time.unwrap_or(0), before + before.elapsed() / 2);
    }
    let mut scheduler = device.lock();
    scheduler.trace_into(Some(gpu_trace));
    scheduler.update_pending_flag();
    Ok(())
}

fn heaps(device: &Arc<Device>) -> Vec<HeapProperties> {
    let usage = device.memory.usage();
    let budget = device.vulkan.memory_budget();
    let (_, used) = buffer::used_by(device);
    usage
        .heaps()
        .iter()
        .enumerate()
        .map(|(i, heap)| HeapProperties {
            size: heap.size,
            used: used[i],
            reserved: heap.reserved,
            budget: budget.map_or(heap.size, |b| b[i]),
            device_local: heap.device_local,
        })
        .collect()
}

/// For the tests: see `testing.rs`.
pub(crate) fn provoke_validation_message() -> bool {
    Instance::shared(true).is_ok_and(|instance| instance.submit_message())
}
