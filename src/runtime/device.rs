//! Devices: opening, closing, and what every call on one has in common.

use super::buffer::{self, Buffer};
use super::cache::DiskCache;
use super::engine::{Dead, Engine};
use super::error::{Error, Result, Status};
use super::handle::{Kind, Table, Token};
use super::kernel::{self, KernelCache};
use super::properties::{DeviceProperties, HeapProperties, MemoryUsage};
use super::staging::Staging;
use super::{log, tail};
use crate::compile;
use crate::vulkan::{self, Allocation, Completion, Instance, Memory, MemoryKind, PipelineCache, Queue, Snapshot, select};
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

static DEVICES: Table<Device> = Table::new(Kind::Device);
static STREAMS: Table<Stream> = Table::new(Kind::Stream);

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
}

/// A physical device, opened. Fields are dropped in order: what uses the Vulkan device before it.
pub(crate) struct Device {
    pub(crate) label: Arc<str>,
    index: u32,
    stream: OnceLock<Token>,
    wait_timeout: Option<Duration>,
    calls: Calls,
    engine: Mutex<Engine>,
    /// Pins have ended, staging chunks came back.
    changed: Condvar,
    /// There is a tail to watch, or the device is being destroyed.
    pub(crate) tail: Condvar,
    tail_thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    completion: Arc<Completion>,
    pub(crate) kernels: KernelCache,
    pub(crate) pipelines: PipelineCache,
    disk: Option<DiskCache>,
    pub(crate) target: compile::Target,
    memory: Arc<Memory>,
    pub(crate) vulkan: Arc<vulkan::Device>,
}

/// A stream. In this version each device has one.
struct Stream {
    device: Arc<Device>,
}

/// Calls that are inside a device, and whether new ones may enter.
#[derive(Default)]
struct Calls {
    /// Twice the number of calls inside, plus 1 once the device is being destroyed.
    state: AtomicUsize,
    lock: Mutex<()>,
    left: Condvar,
}

/// A device, kept from being destroyed for the length of a call.
pub(crate) struct Inside(Arc<Device>);

impl Deref for Inside {
    type Target = Arc<Device>;
    fn deref(&self) -> &Arc<Device> {
        &self.0
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if self.0.calls.state.fetch_sub(2, Ordering::AcqRel) == 3 {
            drop(self.0.calls.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.0.calls.left.notify_all();
        }
    }
}

/// True in a child process that was forked after the library was used.
pub(crate) fn forked() -> bool {
    vulkan::host::forked()
}

fn instance(validation: bool) -> Result<Arc<Instance>> {
    static SINK: std::sync::Once = std::sync::Once::new();
    SINK.call_once(|| {
        vulkan::host::watch_forks();
        vulkan::set_message_sink(|severity, text| {
            let level = match severity {
                vulkan::Severity::Error => log::Level::Error,
                vulkan::Severity::Warning => log::Level::Warn,
            };
            log::line(level, text);
        });
    });
    Ok(Instance::shared(validation || environment_flag("AVX_GPU_VALIDATION"))?)
}

fn environment_flag(name: &str) -> bool {
    std::env::var(name).is_ok_and(|v| !v.is_empty() && v != "0")
}

/// The visible devices, in order.
fn visible(instance: &Instance) -> Result<Vec<Snapshot>> {
    let all = instance.snapshots()?;
    let filter = std::env::var("AVX_GPU_DEVICE").ok();
    let candidates: Vec<select::Candidate> = all.iter().map(select::Candidate::of).collect();
    let order = select::visible(&candidates, filter.as_deref()).map_err(|e| {
        let e = Error::from(e);
        Error::new(e.status, format!("the environment variable AVX_GPU_DEVICE: {}", e.message))
    })?;
    Ok(order.into_iter().map(|i| all[i].clone()).collect())
}

/// All visible devices, usable or not.
pub(crate) fn describe_all() -> Result<Vec<DeviceProperties>> {
    let snapshots = visible(&*instance(false)?)?;
    Ok(snapshots.iter().enumerate().map(|(i, s)| DeviceProperties::of(s, i as u32, environment_flag("AVX_GPU_BASELINE"))).collect())
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
    let instance = instance(options.validation)?;
    let snapshots = visible(&instance)?;
    let candidates: Vec<select::Candidate> = snapshots.iter().map(select::Candidate::of).collect();
    let ordered = select::is_ordered(std::env::var("AVX_GPU_DEVICE").ok().as_deref());
    let index = select::choose(&candidates, selector.as_ref(), !options.no_cpu, ordered)?;
    let snapshot = &snapshots[index];

    let vulkan = Arc::new(vulkan::Device::open(instance, snapshot, environment_flag("AVX_GPU_BASELINE"))?);
    let memory = Arc::new(vulkan::memory_of(&vulkan)?);
    let disk = DiskCache::open(options.cache_dir.as_deref(), snapshot);
    let pipelines = PipelineCache::new(&vulkan, &disk.as_ref().map(DiskCache::load).unwrap_or_default())?;
    let queue = Queue::new(&vulkan)?;
    let device = Arc::new(Device {
        label: options.label.as_deref().unwrap_or(&snapshot.name).into(),
        index: index as u32,
        stream: OnceLock::new(),
        wait_timeout: (options.wait_timeout_ns > 0).then(|| Duration::from_nanos(options.wait_timeout_ns)),
        calls: Calls::default(),
        completion: queue.completion().clone(),
        engine: Mutex::new(Engine::new(queue, Staging::new(&memory))),
        changed: Condvar::new(),
        tail: Condvar::new(),
        tail_thread: Mutex::new(None),
        kernels: KernelCache::default(),
        pipelines,
        disk,
        target: kernel::target(&vulkan),
        memory,
        vulkan,
    });
    let stream = STREAMS.insert_with(|_| Arc::new(Stream { device: device.clone() }))?;
    device.stream.get_or_init(|| stream);
    log::line(log::Level::Info, format!("opened '{}' ({}, {})", device.label, snapshot.driver_name, snapshot.driver_version()));
    DEVICES.insert_with(|_| device).inspect_err(|_| drop(STREAMS.remove(stream)))
}

/// Closes a device: see avx_destroy.
pub(crate) fn destroy(token: Token) -> Result<()> {
    let device = DEVICES.remove(token)?;
    device.close();
    let number = {
        let mut engine = device.lock();
        // A tail that cannot be submitted is given up; what is in flight is waited for all the same.
        drop(engine.flush());
        engine.submitted()
    };
    // A lost device does not finish its work. Any other failure of the wait (no memory) is passing, and nothing may go before it.
    while let Err(e) = device.completion.wait(number, None) {
        if e.kind == vulkan::ErrorKind::DeviceLost {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    device.lock().stop = true;
    device.tail.notify_all();
    if let Some(thread) = device.tail_thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
        drop(thread.join());
    }
    device.save_cache();
    let owned = |other: &Arc<Device>| Arc::ptr_eq(other, &device);
    drop(buffer::remove_all(owned));
    drop(kernel::remove_all(owned));
    drop(STREAMS.remove_all(|s| owned(&s.device)));
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
    let mut properties = DeviceProperties::of(device.vulkan.snapshot(), device.index, environment_flag("AVX_GPU_BASELINE"));
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
    let deadline = if timeout_ns == u64::MAX { None } else { Instant::now().checked_add(Duration::from_nanos(timeout_ns)) };
    let number = device.lock().flush()?;
    if !device.wait(number, deadline)? {
        let message = format!("work on '{}' is not finished after {timeout_ns} ns; it goes on", device.label);
        return Err(Error::new(Status::Timeout, message));
    }
    let mut engine = device.lock();
    device.reap(&mut engine);
    engine.take_failure()
}

/// The device's default stream.
pub(crate) fn default_stream(token: Token) -> Result<Token> {
    let device = enter(token)?;
    device.stream.get().copied().ok_or_else(|| Error::new(Status::Internal, "the device has no stream"))
}

impl Device {
    /// Lets a call in, if the device is not being destroyed.
    pub(crate) fn enter(self: Arc<Self>) -> Result<Inside> {
        let before = self.calls.state.fetch_add(2, Ordering::AcqRel);
        let inside = Inside(self);
        if before & 1 == 1 {
            return Err(Error::new(Status::InvalidHandle, format!("the device '{}' was destroyed", inside.label)));
        }
        Ok(inside)
    }

    /// Lets no call in any more and waits for those inside.
    fn close(&self) {
        self.calls.state.fetch_or(1, Ordering::AcqRel);
        let mut guard = self.calls.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.calls.state.load(Ordering::Acquire) != 1 {
            guard = self.calls.left.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Fails unless `stream` is this device's, or NULL.
    pub(crate) fn check_stream(self: &Arc<Self>, stream: Token) -> Result<()> {
        if stream.is_null() || self.stream.get() == Some(&stream) {
            return Ok(());
        }
        let other = STREAMS.get(stream)?;
        let message = format!("the stream is of device '{}', the call's other handle of device '{}'", other.device.label, self.label);
        Err(Error::new(Status::InvalidHandle, message))
    }

    /// The engine, for as long as it takes to record something: never across a wait for the GPU.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the lock away until pins end or staging chunks come back, for a second at most.
    pub(crate) fn wait_for_change<'a>(&self, engine: MutexGuard<'a, Engine>) -> MutexGuard<'a, Engine> {
        self.changed.wait_timeout(engine, Duration::from_secs(1)).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn notify_change(&self) {
        self.changed.notify_all();
    }

    /// When a wait that begins now ends, by the device's wait_timeout_ns.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.wait_timeout.and_then(|t| Instant::now().checked_add(t))
    }

    /// Waits until submission `number` is done; false if the deadline came first. The caller holds no lock.
    pub(crate) fn wait(&self, number: u64, deadline: Option<Instant>) -> Result<bool> {
        self.completion.wait(number, deadline).map_err(|e| self.lock().fail(e))
    }

    /// As `wait`, for verbs that owe data: the deadline is a failure.
    pub(crate) fn wait_or_fail(&self, number: u64, deadline: Option<Instant>) -> Result<()> {
        if self.wait(number, deadline)? { Ok(()) } else { Err(self.timed_out()) }
    }

    /// The device's wait_timeout_ns is over before the verb could do what it owes.
    pub(crate) fn timed_out(&self) -> Error {
        let limit = self.wait_timeout.unwrap_or_default().as_nanos();
        let message = format!("the GPU did not finish within the wait_timeout_ns of {limit} of device '{}'", self.label);
        Error::new(Status::TimedOut, message)
    }

    /// After recording: submits what should go now, and has the rest watched.
    pub(crate) fn pace(self: &Arc<Self>, engine: &mut Engine) -> Result<()> {
        if engine.pace()? {
            self.watch_tail();
        }
        self.reap(engine);
        Ok(())
    }

    fn watch_tail(self: &Arc<Self>) {
        let mut thread = self.tail_thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            match tail::spawn(self.clone()) {
                Ok(handle) => *thread = Some(handle),
                // Without the thread the tail goes with the next call that waits or fills the batch.
                Err(e) => log::line(log::Level::Warn, format!("no thread to submit held-back work: {e}")),
            }
        }
        self.tail.notify_one();
    }

    /// Frees what the GPU has passed.
    pub(crate) fn reap(&self, engine: &mut Engine) {
        for dead in engine.reap() {
            if let Dead::Memory(allocation) = dead {
                self.memory.free(allocation);
            }
        }
    }

    /// Allocates memory; if there is none, first takes back what the GPU has finished with or will finish.
    pub(crate) fn allocate(&self, kind: MemoryKind, size: u64, align: u64, label: &str) -> Result<Allocation> {
        let first = match self.memory.allocate(kind, size, align, label) {
            Ok(allocation) => return Ok(allocation),
            Err(e) if e.kind == vulkan::ErrorKind::OutOfDeviceMemory => e,
            Err(e) => return Err(self.lock().fail(e)),
        };
        let number = {
            let mut engine = self.lock();
            if !engine.has_dead() {
                return Err(first.into());
            }
            engine.flush()?
        };
        self.wait(number, self.deadline())?;
        self.reap(&mut self.lock());
        self.memory.trim();
        self.memory.allocate(kind, size, align, label).map_err(|e| self.lock().fail(e))
    }

    /// Gives memory back that no submission uses.
    pub(crate) fn release(&self, allocation: Allocation) {
        self.memory.free(allocation);
    }

    /// What the offset of a fill command must be a multiple of, in Vulkan's buffer, to come out right.
    pub(crate) fn fill_alignment(&self) -> u64 {
        if self.vulkan.snapshot().quirks.fill_slides_to_16 { 16 } else { 4 }
    }

    pub(crate) fn completion(&self) -> &Completion {
        &self.completion
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
        match self.pipelines.data() {
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
    Instance::shared(true).is_ok_and(|instance| vulkan::submit_message(&instance))
}
