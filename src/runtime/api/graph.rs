//! Graphs: commands that are recorded once and run again at the cost of one submission.
//!
//! A graph keeps its commands as data. It also keeps command buffers that were recorded from them (instances), each with the slot values
//! that it was recorded with. A launch with the values of an instance submits that instance as it is, even while other submissions of it
//! run. A launch with other values takes an instance that is not in flight and changes what differs: the bytes of uniform bindings in
//! place, and anything else by recording the instance again.
//!
//! From outside, a launch is one command whose accesses are those of all its commands. Inside, the hazard plan places a barrier where a
//! command needs one.

use super::dispatch_slots::fill_in;
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::{HandleKind, Table, Token};
use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::runtime::base::name::Name;
use crate::runtime::device::core::Device;
use crate::runtime::device::guard::{self, DeviceGuard};
use crate::runtime::kernel::args::Arg;
use crate::runtime::kernel::properties::GraphProperties;
use crate::runtime::schedule::deferred_free::Deferred;
use crate::runtime::schedule::hazard::{BarrierState, Conflicts, History, MAX_QUEUES, QueueSeqs, Stages, TimelinePoint, seqs_of};
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::staging::Chunk;
use crate::runtime::schedule::tracker::BufferId;
use crate::runtime::stream::access::{AccessList, lock_for_access};
use crate::runtime::stream::command::PreparedCommand;
use crate::runtime::stream::destination::{self, Destination};
use crate::runtime::stream::recording::{Node, Recording, SlotValue, merged};
use crate::vulkan::{Commands, HostView, Memory, MemoryKind, Slice};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

static GRAPHS: Table<Graph, { rank::GRAPHS }> = Table::new(HandleKind::Graph);

/// The most instances with different values. A launch that needs one more waits for the oldest.
const MAX_INSTANCES: usize = 8;
/// The memory for the bytes of an instance grows by this.
const CHUNK: u64 = 64 << 10;
/// The name in traces of a graph without a label.
const NO_LABEL: &str = "graph";
/// This is no epoch.
const NEVER: u64 = u64::MAX;

/// A graph, as a handle names it.
pub(crate) struct Graph {
    device: Arc<Device>,
    content: Arc<Content>,
}

/// What a graph consists of. It is freed when the last launch is done.
struct Content {
    label: Name,
    nodes: Vec<Node>,
    slots: u32,
    instances: Lock<Vec<RecordedInstance>, { rank::GRAPH }>,
    /// The epoch in which all buffers of the fixed commands were valid, or [`NEVER`]. See `BufferTracker::unchanged_epoch`.
    valid_epoch: AtomicU64,
    /// For each queue the last launch.
    last_use: [AtomicU64; MAX_QUEUES],
}

/// A command buffer recorded from the graph.
struct RecordedInstance {
    commands: Commands,
    values: Vec<SlotValue>,
    accesses: AccessList,
    bytes: Bytes,
    /// Where the bytes of each slot lie.
    places: Vec<(u32, HostView, u64)>,
    /// The last submission of the instance.
    queue: u8,
    submission: u64,
    /// As [`Content::valid_epoch`], for everything that the instance accesses.
    valid_epoch: Option<u64>,
}

/// Memory for the bytes that the commands of an instance read.
struct Bytes {
    memory: Arc<Memory>,
    chunks: Vec<Chunk>,
    /// The used bytes of the last chunk.
    used: u64,
    size: u64,
}

impl Bytes {
    fn put(&mut self, bytes: &[u8], size: u64) -> Result<(Slice, HostView, u64)> {
        if self.chunks.is_empty() || self.used + size > self.size {
            self.size = size.max(CHUNK);
            self.chunks.push(Chunk::new(&self.memory, MemoryKind::Upload, self.size)?);
            self.used = 0;
        }
        let Some(chunk) = self.chunks.last() else { return Err(Error::new(Status::Internal, "a graph has no memory for its bytes")) };
        let at = self.used;
        self.used = (at + size).next_multiple_of(256);
        chunk.host_view().write(at, bytes);
        Ok((chunk.slice().part(at, size), chunk.host_view(), at))
    }

    /// Starts anew. The device reads nothing of the old bytes any more.
    fn clear(&mut self) {
        self.chunks.drain(..).for_each(|chunk| self.memory.free(chunk.into_allocation()));
        (self.used, self.size) = (0, 0);
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Begins a graph. Returns the stream that records it.
pub(crate) fn begin(device: Token, label: Option<&str>) -> Result<Token> {
    let device = guard::enter(device)?;
    device.lock().check()?;
    destination::record(&device, Recording { label: label.map(str::to_owned), ..Recording::default() })
}

/// Ends a recording, and with it the handle of the stream.
pub(crate) fn end(stream: Token) -> Result<Token> {
    let (device, recorder) = destination::enter(stream)?;
    let Recording { nodes, slots, label } = recorder.take_recording()?;
    // Another thread may have ended the handle meanwhile.
    drop(destination::remove(stream));
    let label = Name::new(label.as_deref(), NO_LABEL);
    let content =
        Content { label, nodes, slots, instances: Lock::default(), valid_epoch: AtomicU64::new(NEVER), last_use: Default::default() };
    let content = Arc::new(content);
    if slots == 0 {
        // Nothing will change, so the instance is recorded here and each launch is only a submission.
        let instance = content.record(&device, Vec::new(), None)?;
        content.instances().push(instance);
    }
    GRAPHS.insert_with(|_| Arc::new(Graph { device: Arc::clone(&device), content }))
}

/// Frees a graph: its handle at once, its content when its launches are done.
pub(crate) fn free(token: Token) -> Result<()> {
    let graph = GRAPHS.get(token)?;
    let device = Arc::clone(&graph.device).enter()?;
    GRAPHS.remove(token)?;
    drop(graph);
    device.reap(&mut device.lock());
    Ok(())
}

/// Ends the names of all graphs of a device.
pub(crate) fn remove_all(owned: impl Fn(&Arc<Device>) -> bool) -> Vec<Arc<Graph>> {
    GRAPHS.remove_all(|g| owned(&g.device))
}

impl Drop for Graph {
    /// The last call that knows the graph has ended. Its content is freed when its launches are done.
    fn drop(&mut self) {
        let last_use: QueueSeqs = std::array::from_fn(|queue| self.content.last_use[queue].load(Ordering::Relaxed));
        self.device.drops.push(last_use, Deferred::Object(self.content.clone()));
    }
}

/// Runs a graph on a stream with values for its slots.
pub(crate) fn launch(stream: Token, graph: Token, params: &[Arg<'_>]) -> Result<()> {
    let graph = GRAPHS.get(graph)?;
    let device = Arc::clone(&graph.device).enter()?;
    let content = &graph.content;
    let Destination::Live(stream) = device.destination(stream)? else {
        return Err(Error::new(Status::Unsupported, "a launch cannot be recorded into a graph; record its commands instead"));
    };
    if params.len() as u32 != content.slots {
        return Err(invalid(format!("{} values were given to {}, which has {} slots", params.len(), content.name(), content.slots)));
    }
    let values: Vec<SlotValue> = params.iter().enumerate().map(|(i, arg)| SlotValue::of(i, arg)).collect::<Result<_>>()?;
    content.check_living(&device)?;
    if content.nodes.is_empty() {
        return device.lock().check();
    }
    let mut instance = content.instance_for(&device, values)?;
    let mut scheduler = match instance.lock_for_launch(&device) {
        Ok(scheduler) => scheduler,
        Err(e) => {
            content.instances().push(instance);
            return Err(e);
        }
    };
    let launched = scheduler.launch(&stream, &instance.accesses.list, &instance.commands, &content.label);
    if let Ok(submission) = launched {
        (instance.queue, instance.submission) = (stream.queue, submission);
        content.last_use[usize::from(stream.queue)].store(submission, Ordering::Relaxed);
        let queue = &mut scheduler.queues[usize::from(stream.queue)];
        content.kernels().take(8).for_each(|kernel| queue.note_kernel(submission, kernel));
    }
    content.instances().push(instance);
    launched?;
    device.after_recording(&mut scheduler, &stream)
}

/// See avx_set_label.
pub(crate) fn set_label(token: Token, label: Option<&str>) -> Result<()> {
    let graph = GRAPHS.get(token)?;
    let _device = Arc::clone(&graph.device).enter()?;
    graph.content.label.set(label);
    Ok(())
}

/// Describes a graph.
pub(crate) fn properties(token: Token) -> Result<GraphProperties> {
    let graph = GRAPHS.get(token)?;
    let _device = Arc::clone(&graph.device).enter()?;
    let content = &graph.content;
    Ok(GraphProperties { slots: content.slots, commands: content.nodes.len() as u64, label: content.label.given() })
}

impl Content {
    /// The name of the graph in messages.
    fn name(&self) -> String {
        match &*self.label.given() {
            "" => "the graph".to_owned(),
            label => format!("the graph '{label}'"),
        }
    }

    fn instances(&self) -> Guard<'_, Vec<RecordedInstance>> {
        self.instances.lock()
    }

    /// The names of the graph's kernels.
    fn kernels(&self) -> impl Iterator<Item = &Arc<str>> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Fixed(prepared) => prepared.command.program().map(|program| &program.label),
            Node::Slotted(slotted) => Some(&slotted.program.label),
        })
    }

    /// Fails if a buffer that a command accesses was freed.
    fn check_living(&self, device: &Device) -> Result<()> {
        let scheduler = device.lock();
        scheduler.check()?;
        let now = scheduler.tracker.unchanged_epoch().unwrap_or(NEVER);
        if now != NEVER && now == self.valid_epoch.load(Ordering::Relaxed) {
            return Ok(());
        }
        for (i, node) in self.nodes.iter().enumerate() {
            let Some(prepared) = node.fixed() else { continue };
            for (entry, buffer) in prepared.accesses.list.iter().zip(&prepared.accesses.buffers) {
                if scheduler.tracker.is_freed(entry.id) {
                    let message = format!("command {i} of {}, {}, uses {}, which was freed", self.name(), node.name(), buffer.name());
                    return Err(Error::new(Status::InvalidHandle, message));
                }
            }
        }
        self.valid_epoch.store(now, Ordering::Relaxed);
        Ok(())
    }

    /// An instance with these values. It is taken out of the list, and the caller puts it back.
    fn instance_for(&self, device: &DeviceGuard, values: Vec<SlotValue>) -> Result<RecordedInstance> {
        loop {
            let done = device.lock().done();
            let (oldest, full) = {
                let mut instances = self.instances();
                if let Some(i) = instances.iter().position(|instance| instance.values == values) {
                    return Ok(instances.swap_remove(i));
                }
                let idle = |instance: &RecordedInstance| instance.submission <= done[usize::from(instance.queue)];
                if let Some(i) = instances.iter().position(|instance| idle(instance) && self.can_change(instance, &values)) {
                    let mut instance = instances.swap_remove(i);
                    instance.change(values);
                    return Ok(instance);
                }
                if let Some(i) = instances.iter().position(idle) {
                    let instance = instances.swap_remove(i);
                    drop(instances);
                    return self.record(device, values, Some(instance));
                }
                let oldest =
                    instances.iter().min_by_key(|instance| instance.submission).map(|instance| (instance.queue, instance.submission));
                (oldest, instances.len() >= MAX_INSTANCES)
            };
            let Some((queue, submission)) = oldest.filter(|_| full) else {
                // An instance may be idle without the driver having been asked.
                let number = device.completion(oldest.map_or(0, |(queue, _)| queue)).poll();
                let number = number.map_err(|e| device.lock().fail(e))?;
                if oldest.is_some_and(|(_, submission)| submission <= number) {
                    continue;
                }
                return self.record(device, values, None);
            };
            device.wait_or_fail(&seqs_of(queue, submission), device.deadline())?;
        }
    }

    /// True if the values differ from those of the instance only in the bytes of uniform bindings whose place is known.
    fn can_change(&self, instance: &RecordedInstance, values: &[SlotValue]) -> bool {
        instance.values.iter().zip(values).enumerate().filter(|(_, (old, new))| old != new).all(|(slot, (old, new))| {
            let slot = slot as u32;
            let same_size = matches!((old, new), (SlotValue::Bytes(old), SlotValue::Bytes(new)) if old.len() == new.len());
            let placed = instance.places.iter().filter(|(of, ..)| *of == slot).count();
            let uses: usize = self.nodes.iter().map(|node| if let Node::Slotted(slotted) = node { slotted.uses_of(slot) } else { 0 }).sum();
            same_size && placed == uses
        })
    }

    /// Records the commands with these values, into an instance that is not in flight if there is one.
    fn record(&self, device: &DeviceGuard, values: Vec<SlotValue>, old: Option<RecordedInstance>) -> Result<RecordedInstance> {
        let mut instance = self.record_with(device, &values, old)?;
        instance.values = values;
        Ok(instance)
    }

    fn record_with(&self, device: &DeviceGuard, values: &[SlotValue], old: Option<RecordedInstance>) -> Result<RecordedInstance> {
        let mut instance = match old {
            Some(old) => old,
            None => RecordedInstance {
                commands: Commands::new(&device.vulkan)?,
                values: Vec::new(),
                accesses: AccessList::default(),
                bytes: Bytes { memory: Arc::clone(&device.memory), chunks: Vec::new(), used: 0, size: 0 },
                places: Vec::new(),
                queue: 0,
                submission: 0,
                valid_epoch: None,
            },
        };
        // If anything below fails, nothing is left that could be launched.
        instance.valid_epoch = None;
        instance.values.clear();
        instance.bytes.clear();
        instance.places.clear();
        let filled: Vec<Option<PreparedCommand<'_>>> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(i, node)| match node {
                Node::Fixed(_) => Ok(None),
                Node::Slotted(slotted) => fill_in(slotted, device, values)
                    .map_err(|e| Error::new(e.status, format!("command {i} of {}, {}: {}", self.name(), node.name(), e.message))),
            })
            .collect::<Result<_>>()?;
        let touched = |(node, filled): (&'_ Node, &'_ Option<PreparedCommand<'_>>)| match node.fixed() {
            Some(prepared) => Some(prepared.accesses.clone()),
            None => filled.as_ref().map(|prepared| prepared.accesses.clone()),
        };
        let accesses: Vec<Option<AccessList>> = self.nodes.iter().zip(&filled).map(touched).collect();
        instance.accesses = merged(accesses.iter().flatten());
        let _held = Held::new(device, &instance.accesses)?;
        instance.commands.begin_reusable()?;
        let (mut plan, mut host_writes) = (Plan::default(), Stages::default());
        for ((node, filled), accesses) in self.nodes.iter().zip(&filled).zip(&accesses) {
            let Some(accesses) = accesses else { continue };
            let (src, dst) = plan.next(accesses);
            if !src.is_empty() {
                instance.commands.barrier(src, dst);
            }
            for (entry, buffer) in accesses.list.iter().zip(&accesses.buffers) {
                if entry.access.write && buffer.storage.host_view.is_some() {
                    host_writes.insert(entry.access.stage.into());
                }
            }
            let RecordedInstance { commands, bytes, places, .. } = &mut instance;
            let mut upload = |data: &[u8], size, slot: Option<u32>| {
                let (slice, host_view, at) = bytes.put(data, size)?;
                places.extend(slot.map(|slot| (slot, host_view, at)));
                Ok(slice)
            };
            match (node, filled) {
                (Node::Fixed(prepared), _) => prepared.command.encode(commands, &mut upload)?,
                (Node::Slotted(_), Some(prepared)) => prepared.command.encode(commands, &mut upload)?,
                (Node::Slotted(_), None) => {}
            }
        }
        if !host_writes.is_empty() {
            instance.commands.host_barrier(host_writes);
        }
        instance.commands.end()?;
        Ok(instance)
    }
}

impl RecordedInstance {
    /// As `lock_for_access`, without a look at each buffer if no buffer was freed, mapped or pinned since the last launch.
    fn lock_for_launch<'d>(&mut self, device: &'d Device) -> Result<Guard<'d, Scheduler>> {
        let scheduler = device.lock();
        if self.valid_epoch.is_some() && self.valid_epoch == scheduler.tracker.unchanged_epoch() {
            scheduler.check()?;
            return Ok(scheduler);
        }
        drop(scheduler);
        let scheduler = lock_for_access(device, &self.accesses)?;
        self.valid_epoch = scheduler.tracker.unchanged_epoch();
        Ok(scheduler)
    }

    /// Writes new bytes over the old ones. The instance is not in flight.
    fn change(&mut self, values: Vec<SlotValue>) {
        for (slot, host_view, at) in &self.places {
            if let Some(SlotValue::Bytes(bytes)) = values.get(*slot as usize) {
                host_view.write(*at, bytes);
            }
        }
        self.values = values;
    }
}

/// The hazard plan inside of a graph.
#[derive(Default)]
struct Plan {
    barriers: BarrierState,
    histories: HashMap<BufferId, History>,
}

impl Plan {
    /// The barrier that the next command needs.
    fn next(&mut self, accesses: &AccessList) -> (Stages, Stages) {
        let nothing = |_| 0;
        let (mut src, mut dst) = (Stages::default(), Stages::default());
        for entry in &accesses.list {
            let mut conflicts = Conflicts::default();
            if let Some(history) = self.histories.get(&entry.id) {
                history.conflicts(&entry.access, 0, &self.barriers, nothing, &mut conflicts);
            }
            if !conflicts.stages.is_empty() {
                src.insert(conflicts.stages);
                dst.insert(entry.access.stage.into());
            }
        }
        if !src.is_empty() {
            self.barriers.barrier(src, dst);
        }
        let at = TimelinePoint { queue: 0, sequence: self.barriers.next(), submission: 1 };
        for entry in &accesses.list {
            self.histories.entry(entry.id).or_default().record(&entry.access, at, &self.barriers, nothing);
        }
        (src, dst)
    }
}

/// Buffers whose memory is kept while a graph is recorded over it.
struct Held<'a> {
    device: &'a Device,
    buffers: Vec<BufferId>,
}

impl<'a> Held<'a> {
    fn new(device: &'a Device, accesses: &AccessList) -> Result<Held<'a>> {
        let mut held = Held { device, buffers: Vec::with_capacity(accesses.list.len()) };
        let mut scheduler = device.lock();
        for entry in &accesses.list {
            if let Err(e) = scheduler.tracker.hold(entry.id) {
                drop(scheduler);
                return Err(e);
            }
            held.buffers.push(entry.id);
        }
        drop(scheduler);
        Ok(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut scheduler = self.device.lock();
        self.buffers.iter().for_each(|id| scheduler.end_hold(*id));
    }
}

/// Makes the last launch of a graph one that is never done, as it is on a device that is lost.
#[cfg(test)]
pub(crate) fn last_launch_is_never_done(token: Token) {
    let graph = GRAPHS.get(token).expect("a living graph");
    graph.content.last_use[0].store(u64::MAX - 1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::schedule::hazard::{Access, Stage};
    use crate::runtime::schedule::tracker::{BufferAccess, BufferTracker};

    #[test]
    fn independent_commands_get_no_barrier_and_dependent_ones_one() {
        let mut tracker = BufferTracker::default();
        let (a, b) = (tracker.add(None, false), tracker.add(None, false));
        let accesses = |id, write| {
            let access = Access { range: 0..64, stage: Stage::Compute, write, unordered: false };
            AccessList { list: [BufferAccess { id, access }].into_iter().collect(), ..AccessList::default() }
        };
        let mut plan = Plan::default();
        let barriers: Vec<bool> = [(a, true), (b, true), (a, true), (b, true), (a, false), (a, false), (b, false)]
            .into_iter()
            .map(|(track, write)| !plan.next(&accesses(track, write)).0.is_empty())
            .collect();
        assert_eq!(barriers, [false, false, true, false, true, false, false]);
    }
}
