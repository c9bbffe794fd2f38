//! Devices: opening, closing, and what every call on one has in common.

use super::stream;
use super::{event, graph};
use crate::compile::Variant;
use crate::runtime::base::copier::Copiers;
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::{Kind, Table, Token};
use crate::runtime::base::{log, trace};
use crate::runtime::device::gate::Calls;
pub(crate) use crate::runtime::device::inside::Inside;
use crate::runtime::device::pending_reports::Reports;
use crate::runtime::device::tail;
use crate::runtime::kernel::adapters;
use crate::runtime::kernel::cache::DiskCache;
use crate::runtime::kernel::code_cache::CodeCache;
use crate::runtime::kernel::context::{self, CompileContext};
use crate::runtime::kernel::offline;
use crate::runtime::kernel::own_kernels::{self, OwnKernels};
use crate::runtime::kernel::program::Compiled;
use crate::runtime::kernel::properties::{DeviceProperties, HeapProperties, MemoryUsage};
use crate::runtime::kernel::shelf::Shelf;
use crate::runtime::object::buffer::{self, Buffer};
use crate::runtime::object::kernel;
use crate::runtime::schedule::engine::Engine;
use crate::runtime::schedule::graveyard::{Dead, DropQueue};
use crate::runtime::schedule::hazard::{Clock, MAX_LANES};
use crate::runtime::schedule::regions::Registered;
use crate::runtime::schedule::staging::{Chunk, Returned, Staging, Ticket};
use crate::runtime::schedule::stream_state::Line;
use crate::runtime::schedule::timeline::{Label, Timeline};
use crate::runtime::schedule::track::TrackId;
use crate::sys;
use crate::vulkan::{
    self, Allocation, Completion, Instance, Memory, MemoryKind, Pipeline, PipelineCache, Queue, Spin, Stamps, Window, select,
};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

static DEVICES: Table<Device> = Table::new(Kind::Device);

/// Options of a new device, as the caller gave them.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) validation: bool,
    pub(crate) no_cpu: bool,
    pub(crate) device: Option<String>,
    /// `None`: the default folder; empty: no disk cache.
    pub(crate) cache_dir: Option<String>,
    pub(crate) label: Option<String>,
    /// 0: for ever.
    pub(crate) wait_timeout_ns: u64,
    /// How long a waiting thread spins before it blocks. `None`: a default.
    pub(crate) spin: Option<Duration>,
    /// Threads that large transfers use; 0: by the machine.
    pub(crate) copy_threads: u32,
}

/// Queues that are used if nothing is said: two let independent work overlap, and each more costs time and memory to create.
const LANES: usize = 2;
/// A blocked wait ends some 20 us late, and short kernels take less than this.
const SPIN: Duration = Duration::from_micros(50);

/// A physical device, opened. Fields are dropped in order: what uses the Vulkan device before it.
pub(crate) struct Device {
    pub(crate) label: Arc<str>,
    /// The default stream's name.
    pub(crate) stream: OnceLock<Token>,
    /// And itself.
    pub(crate) line: Arc<Line>,
    pub(crate) lane_count: usize,
    pub(crate) streams_made: AtomicU64,
    pub(crate) wait_timeout: Option<Duration>,
    pub(crate) calls: Calls,
    pub(crate) engine: Mutex<Engine>,
    /// Threads in line for it.
    pub(crate) in_line: AtomicU32,
    /// Pins have ended, staging chunks came back.
    changed: Condvar,
    /// Who waits for that. Counted under the engine's lock.
    changes_wanted: AtomicU32,
    /// There is a tail to watch, or the device is being destroyed.
    pub(crate) tail: Condvar,
    tail_thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Shared with the engine.
    pub(crate) attention: Arc<AtomicBool>,
    /// As the engine's.
    begun: Arc<[AtomicU64; MAX_LANES]>,
    pub(crate) returned: Returned,
    /// Of each lane.
    pub(crate) completions: Vec<Arc<Completion>>,
    pub(crate) copiers: Copiers,
    pub(crate) registered: Registered,
    pub(crate) own_kernels: OwnKernels,
    pub(crate) reports: Reports,
    /// The clock of the device's queues, if they have one.
    pub(crate) stamps: Option<Stamps>,
    /// What was let go and the engine does not know yet.
    pub(crate) drops: Arc<DropQueue>,
    /// How often something was recorded. Written under the engine's lock.
    recorded: AtomicU64,
    pub(crate) code: CodeCache,
    pub(crate) compile: CompileContext,
    disk: Option<DiskCache>,
    memory: Arc<Memory>,
    pub(crate) vulkan: Arc<vulkan::Device>,
}

/// True in a child process that was forked after the library was used.
pub(crate) fn forked() -> bool {
    sys::forked()
}

/// To be called by each thread that enters the library: see `sys/thread_exit.rs`.
#[inline]
pub(crate) fn register_thread() {
    sys::register_thread();
}

/// How many queues AVX_GPU_QUEUES asks for, if it does.
fn lanes_wanted() -> Option<usize> {
    let count: usize = std::env::var("AVX_GPU_QUEUES").ok()?.trim().parse().ok()?;
    Some(count.clamp(1, MAX_LANES))
}

/// All visible devices, usable or not.
pub(crate) fn describe_all() -> Result<Vec<DeviceProperties>> {
    let snapshots = adapters::visible(&*adapters::instance(false)?)?;
    Ok(snapshots
        .iter()
        .enumerate()
        .map(|(i, s)| DeviceProperties::of(s, i as u32, adapters::environment_flag("AVX_GPU_BASELINE")))
        .collect())
}

/// The visible device at `index`.
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
    let selector = options.device.as_deref().filter(|s| !s.trim().is_empty()).map(select::parse).transpose()?;
    let instance = adapters::instance(options.validation)?;
    let snapshots = adapters::visible(&instance)?;
    let candidates: Vec<select::Candidate> = snapshots.iter().map(select::Candidate::of).collect();
    let ordered = select::is_ordered(std::env::var("AVX_GPU_DEVICE").ok().as_deref());
    let index = select::choose(&candidates, selector.as_ref(), !options.no_cpu, ordered)?;
    let snapshot = &snapshots[index];

    let follows_queues = !instance.validating() || instance.layer_follows_queues();
    let lanes = lanes_wanted().or((!follows_queues).then_some(1));
    let compilers = offline::warm_compilers(own_kernels::COPY);
    let vulkan =
        Arc::new(vulkan::Device::open(instance, snapshot, adapters::environment_flag("AVX_GPU_BASELINE"), lanes.unwrap_or(LANES))?);
    // Queues beyond those that there are share them.
    let lanes = if vulkan.features().timeline_semaphore { lanes.unwrap_or(vulkan.queues().len()) } else { 1 };
    let memory = Arc::new(vulkan::memory_of(&vulkan)?);
    let disk = DiskCache::open(options.cache_dir.as_deref(), snapshot).filter(|_| !snapshot.quirks.caches_itself);
    let target = context::target(&vulkan);
    let shelf = Shelf::open(options.cache_dir.as_deref(), &target);
    let pipelines = PipelineCache::new(&vulkan, &disk.as_ref().map(DiskCache::load).unwrap_or_default())?;
    let spin = Spin::new(options.spin.unwrap_or(SPIN));
    let queues: Vec<Queue> = (0..lanes).map(|i| Queue::new(&vulkan, i, &spin)).collect::<std::result::Result<_, _>>()?;
    let engine = Engine::new(queues, Staging::new(&memory, lanes));
    let device = Arc::new(Device {
        label: options.label.as_deref().unwrap_or(&snapshot.name).into(),
        stream: OnceLock::new(),
        line: Line::of_default(),
        lane_count: lanes,
        streams_made: AtomicU64::new(1),
        wait_timeout: (options.wait_timeout_ns > 0).then(|| Duration::from_nanos(options.wait_timeout_ns)),
        calls: Calls::default(),
        completions: engine.lanes.iter().map(|lane| lane.queue.completion().clone()).collect(),
        attention: engine.attention.clone(),
        begun: engine.begun.clone(),
        returned: Returned::default(),
        copiers: Copiers::new(options.copy_threads),
        registered: Registered::default(),
        own_kernels: OwnKernels::default(),
        reports: Reports::default(),
        stamps: Stamps::new(&vulkan)?,
        drops: Arc::default(),
        recorded: AtomicU64::new(0),
        engine: Mutex::new(engine),
        in_line: AtomicU32::new(0),
        changed: Condvar::new(),
        changes_wanted: AtomicU32::new(0),
        tail: Condvar::new(),
        tail_thread: Mutex::new(None),
        code: CodeCache::default(),
        compile: CompileContext {
            vulkan: vulkan.clone(),
            index: index as u32,
            limits: context::limits(&vulkan),
            target,
            compilers,
            shelf,
            pipelines,
        },
        disk,
        memory,
        vulkan,
    });
    let stream = stream::name_default(&device)?;
    device.stream.get_or_init(|| stream);
    device.begin_trace()?;
    log::line(log::Level::Info, format!("opened '{}' ({}, {})", device.label, snapshot.driver_name, snapshot.driver_version()));
    DEVICES.insert_with(|_| device).inspect_err(|_| stream::remove(stream))
}

/// Closes a device: see avx_destroy.
pub(crate) fn destroy(token: Token) -> Result<()> {
    let device = DEVICES.remove(token)?;
    device.calls.close();
    let clock = {
        let mut engine = device.lock();
        engine.closed = true;
        // A tail that cannot be submitted is given up; what is in flight is waited for all the same.
        drop(engine.flush());
        engine.submitted()
    };
    for (completion, number) in device.completions.iter().zip(clock) {
        // A lost device does not finish its work. Any other failure of the wait (no memory) is passing, and nothing may go before it.
        while let Err(e) = completion.wait(number, None) {
            if e.kind == vulkan::ErrorKind::DeviceLost {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    drop(device.deliver());
    // What failed has nobody left to be told but the log.
    drop(device.read_reports());
    device.trim_reports(true);
    device.lock().stop = true;
    device.tail.notify_all();
    if let Some(thread) = device.tail_thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
        drop(thread.join());
    }
    {
        let mut engine = device.lock();
        engine.trace_done();
        engine.timeline = None;
    }
    device.save_cache();
    device.compile.compilers.clear();
    let owned = |other: &Arc<Device>| Arc::ptr_eq(other, &device);
    drop(graph::remove_all(owned));
    drop(event::remove_all(owned));
    drop(buffer::remove_all(owned));
    drop(kernel::remove_all(owned));
    drop(stream::remove_all(owned));
    device.registered.clear().into_iter().for_each(|track| device.free_track(track));
    // What goes lets go of more, such as a graph of its kernels.
    while device.drops.any() {
        device.reap(&mut device.lock());
    }
    log::line(log::Level::Info, format!("closed '{}'", device.label));
    Ok(())
}

/// The open device of that name.
pub(crate) fn enter(token: Token) -> Result<Inside> {
    DEVICES.get(token)?.enter()
}

/// What an open device is.
pub(crate) fn properties(token: Token) -> Result<DeviceProperties> {
    let device = enter(token)?;
    let mut properties =
        DeviceProperties::of(device.vulkan.snapshot(), device.compile.index, adapters::environment_flag("AVX_GPU_BASELINE"));
    properties.heaps = device.heaps();
    Ok(properties)
}

/// The memory of an open device.
pub(crate) fn memory_usage(token: Token) -> Result<MemoryUsage> {
    let device = enter(token)?;
    let (buffer_count, _) = buffer::used_by(&device);
    Ok(MemoryUsage { heaps: device.heaps(), buffer_count })
}

/// Waits for all work queued before; 0 only asks.
pub(crate) fn synchronize(token: Token, timeout_ns: u64) -> Result<()> {
    let device = enter(token)?;
    let deadline = stream::deadline_after(timeout_ns);
    let clock = {
        let mut engine = device.lock();
        let now = engine.now();
        engine.flush_for(None, now)?
    };
    if !device.wait(&clock, deadline)? {
        return Err(stream::unfinished(timeout_ns));
    }
    device.settle(None)
}

/// Gives memory that nothing uses back to the driver.
pub(crate) fn trim(token: Token) -> Result<()> {
    let device = enter(token)?;
    device.trim_reports(false);
    let dead = {
        let mut engine = device.lock();
        for lane in 0..engine.lanes.len() {
            let polled = engine.lanes[lane].queue.completion().poll();
            polled.map_err(|e| engine.fail(e))?;
        }
        let done = engine.done();
        device.returned.drain_into(&mut engine.staging);
        engine.staging.trim(&done);
        engine.reap()
    };
    device.give_back(dead);
    device.memory.trim();
    Ok(())
}

/// The device's default stream.
pub(crate) fn default_stream(token: Token) -> Result<Token> {
    let device = enter(token)?;
    device.stream.get().copied().ok_or_else(|| Error::new(Status::Internal, "the device has no stream"))
}

impl Device {
    /// Has the device's work written into the process's trace, if there is one.
    fn begin_trace(&self) -> Result<()> {
        let (Some(trace), Some(stamps)) = (trace::active(), &self.stamps) else { return Ok(()) };
        let mut timeline = Timeline::new(trace, &self.label, stamps);
        if timeline.wants_calibration() {
            // The driver cannot compare the clocks: a stamp between two looks at the host's does, as exactly as a submission is fast.
            let stamp = stamps.take()?;
            let before = Instant::now();
            let clock = {
                let mut engine = self.lock();
                engine.record(
                    &self.line,
                    &[],
                    || Label::new("calibration", 0),
                    |commands, _, _| {
                        commands.stamp(&stamp, vulkan::StampStage::Bottom);
                        Ok(())
                    },
                )?;
                engine.flush()?
            };
            self.wait(&clock, None)?;
            let time = stamp.read().map_err(|e| self.lock().fail(e))?;
            timeline.calibrate(time.unwrap_or(0), before + before.elapsed() / 2);
        }
        let mut engine = self.lock();
        engine.timeline = Some(timeline);
        engine.rest();
        Ok(())
    }

    /// Gives the lock away until pins end or staging chunks come back, for a second at most.
    pub(crate) fn wait_for_change<'a>(&self, engine: MutexGuard<'a, Engine>) -> MutexGuard<'a, Engine> {
        self.wait_unless(engine, || false)
    }

    /// As `wait_for_change`, for who waits for a chunk: those that come back without the lock may have come just now.
    pub(crate) fn wait_for_chunk<'a>(&self, engine: MutexGuard<'a, Engine>) -> MutexGuard<'a, Engine> {
        self.wait_unless(engine, || !self.returned.is_empty())
    }

    fn wait_unless<'a>(&self, engine: MutexGuard<'a, Engine>, is_there: impl FnOnce() -> bool) -> MutexGuard<'a, Engine> {
        self.changes_wanted.fetch_add(1, Ordering::SeqCst);
        let engine = match is_there() {
            true => engine,
            false => self.changed.wait_timeout(engine, Duration::from_secs(1)).unwrap_or_else(PoisonError::into_inner).0,
        };
        self.changes_wanted.fetch_sub(1, Ordering::SeqCst);
        engine
    }

    /// Gives a small chunk back that the device has passed, without the engine.
    pub(crate) fn give_back_small(&self, chunk: Chunk, last_use: Ticket) {
        self.returned.give_back(chunk, last_use);
        if self.changes_wanted.load(Ordering::SeqCst) > 0 {
            // So that no thread is between its look and its sleep.
            drop(self.lock());
            self.changed.notify_all();
        }
    }

    /// To be called behind the change, which was made under the engine's lock. Costs a call of the system's only if somebody waits.
    pub(crate) fn notify_change(&self) {
        if self.changes_wanted.load(Ordering::Relaxed) > 0 {
            self.changed.notify_all();
        }
    }

    /// The completion of a lane.
    pub(crate) fn completion(&self, lane: u8) -> &Arc<Completion> {
        &self.completions[usize::from(lane)]
    }

    /// After recording: submits what should go now, and has the rest watched.
    pub(crate) fn pace(self: &Arc<Self>, engine: &mut Engine, stream: &Arc<Line>) -> Result<()> {
        self.recorded.store(self.recorded.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        if engine.pace(stream)? {
            engine.tail_sleeps = !self.watch_tail();
        }
        self.reap(engine);
        Ok(())
    }

    /// How often something was recorded.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// For each lane the number of the batch that is open, 0 for none. Without the engine's lock.
    pub(crate) fn begun(&self) -> Clock {
        std::array::from_fn(|lane| self.begun[lane].load(Ordering::Relaxed))
    }

    /// Wakes the tail thread, or starts it; false if there is none to have.
    fn watch_tail(self: &Arc<Self>) -> bool {
        let mut thread = self.tail_thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            match tail::spawn(self.clone()) {
                Ok(handle) => *thread = Some(handle),
                // Without the thread the tail goes with the next call that waits or fills the batch.
                Err(e) => log::line(log::Level::Warn, format!("no thread to submit held-back work: {e}")),
            }
        }
        self.tail.notify_one();
        thread.is_some()
    }

    /// Frees what the GPU has passed.
    pub(crate) fn reap(&self, engine: &mut Engine) {
        if self.drops.any() {
            self.drops.take().into_iter().for_each(|(last_use, dead)| engine.bury(last_use, dead));
        }
        if engine.has_work_for_reap() {
            self.give_back(engine.reap());
        }
    }

    /// Ends a buffer: its memory goes at once if nothing uses it, else when the GPU has passed it.
    pub(crate) fn free_track(&self, track: TrackId) {
        let free = {
            let mut engine = self.lock();
            let free = engine.free(track);
            self.reap(&mut engine);
            free
        };
        if let Some(allocation) = free {
            self.memory.free(allocation);
        }
    }

    /// Frees what may go.
    pub(crate) fn give_back(&self, dead: Vec<Dead>) {
        for dead in dead {
            if let Dead::Memory(allocation) = dead {
                self.memory.free(allocation);
            }
        }
    }

    /// Takes bytes out of the host's view, with several threads where they are many.
    pub(crate) fn copy_out(&self, window: Window, into: &mut [MaybeUninit<u8>]) {
        self.copiers.read(window, 0, into);
    }

    /// Allocates memory; if there is none, first takes back what the GPU has finished with or will finish.
    pub(crate) fn allocate(&self, kind: MemoryKind, size: u64, align: u64, label: &str) -> Result<Allocation> {
        match self.memory.allocate(kind, size, align, label) {
            Ok(allocation) => return Ok(allocation),
            Err(e) if e.kind == vulkan::ErrorKind::OutOfDeviceMemory => {}
            Err(e) => return Err(self.lock().fail(e)),
        }
        let clock = {
            let mut engine = self.lock();
            let done = engine.done();
            self.returned.drain_into(&mut engine.staging);
            engine.staging.trim(&done);
            if engine.has_dead() { engine.flush()? } else { Clock::default() }
        };
        self.wait(&clock, self.deadline())?;
        self.reap(&mut self.lock());
        self.memory.trim();
        self.memory.allocate(kind, size, align, label).map_err(|e| self.lock().fail(e))
    }

    /// Gives memory back that no submission uses.
    pub(crate) fn release(&self, allocation: Allocation) {
        self.memory.free(allocation);
    }

    /// The pipeline for a way of dispatching compiled code, made at its first use.
    pub(crate) fn pipeline<'c>(&self, compiled: &'c Compiled, variant: Variant) -> Result<&'c Pipeline> {
        compiled.pipeline(&self.compile, variant, |e| self.lock().fail(e))
    }

    /// What the offset of a fill command must be a multiple of, in Vulkan's buffer, to come out right.
    pub(crate) fn fill_alignment(&self) -> u64 {
        if self.vulkan.snapshot().quirks.fill_slides_to_16 { 16 } else { 4 }
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    fn heaps(self: &Arc<Self>) -> Vec<HeapProperties> {
        let usage = self.memory.usage();
        let budget = self.vulkan.memory_budget();
        let (_, used) = buffer::used_by(self);
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

    /// Writes the driver's pipelines to disk, if there are new ones.
    pub(crate) fn save_cache(&self) {
        let Some(disk) = &self.disk else { return };
        match self.compile.pipelines.data() {
            Ok(data) => disk.save(&data),
            Err(e) => log::line(log::Level::Warn, format!("the driver does not give its pipeline cache: {e}")),
        }
    }

    /// True if `buffer` is this device's.
    pub(crate) fn owns(self: &Arc<Self>, buffer: &Buffer) -> Result<()> {
        if Arc::ptr_eq(self, &buffer.device) {
            return Ok(());
        }
        let message =
            format!("{} is of device '{}', the call's other handle of device '{}'", buffer.name(), buffer.device.label, self.label);
        Err(Error::new(Status::InvalidHandle, message))
    }
}

/// For the tests: see `testing.rs`.
pub(crate) fn provoke_validation_message() -> bool {
    Instance::shared(true).is_ok_and(|instance| instance.submit_message())
}
