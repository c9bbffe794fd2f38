//! The engine of a device: what is being recorded, what is in flight, who uses what, and what may go when.
//!
//! One mutex of the device guards it; nothing in here waits for the GPU. Work is recorded in the order of the calls. It is
//! submitted at once when the device is idle and in batches while it is busy; the tail that is held back goes when the device
//! drains (see `tail.rs`).

use super::error::{Error, Result, Status};
use super::hazard::{History, Order, Point, Stage, Stages, Use};
use super::staging::Staging;
use crate::vulkan::{self, Allocation, Commands, Completion, Queue, StageSet};
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// Commands in one submission at most: the driver takes a batch while the one before runs.
const BATCH: u32 = 256;
/// After so many commands of an open batch the engine looks whether the device has drained.
const LOOK: u32 = 16;

/// Names a buffer's [`Track`] in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrackId {
    slot: u32,
    /// A slot is used again; its generation is not.
    generation: u64,
}

/// What the engine knows of a buffer.
pub(crate) struct Track {
    generation: u64,
    history: History,
    /// The mapping that the user holds: its range, and whether it may be written.
    pub(crate) mapped: Option<(Range<u64>, bool)>,
    /// Ranges that calls in progress read or write from the host, with no lock held.
    pins: Vec<(Range<u64>, bool)>,
    allocation: Option<Allocation>,
    freed: bool,
    host_reads: bool,
}

/// When a command is recorded: which submission it goes into, and the last one that is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) submission: u64,
    pub(crate) done: u64,
}

/// Something that goes when the GPU has passed its last use.
pub(crate) enum Dead {
    Memory(Allocation),
    Object(#[expect(dead_code, reason = "held only to be dropped")] Arc<dyn Any + Send + Sync>),
}

struct Open {
    commands: Commands,
    count: u32,
    /// Stages that wrote memory which the host reads.
    host_writes: StageSet,
}

/// See the module.
pub(crate) struct Engine {
    queue: Queue,
    open: Option<Open>,
    order: Order,
    tracks: Vec<Option<Track>>,
    free_tracks: Vec<u32>,
    /// Tracks made so far.
    generations: u64,
    pub(crate) staging: Staging,
    graveyard: BTreeMap<u64, Vec<Dead>>,
    /// Which kernels went into which submission, for the story of a lost device.
    kernels: VecDeque<(u64, Arc<str>)>,
    /// The device is lost: every later call says so.
    lost: Option<Error>,
    /// A batch did not reach the device: what it would have ordered is ordered by the next one's first barrier.
    batch_was_lost: bool,
    /// Work that was queued with success failed later: told once, by the next wait or read.
    failed: Option<Error>,
    /// The device is being destroyed: its tail thread ends.
    pub(crate) stop: bool,
}

impl Engine {
    pub(crate) fn new(queue: Queue, staging: Staging) -> Engine {
        Engine {
            queue,
            open: None,
            order: Order::default(),
            tracks: Vec::new(),
            free_tracks: Vec::new(),
            generations: 0,
            batch_was_lost: false,
            staging,
            graveyard: BTreeMap::new(),
            kernels: VecDeque::new(),
            lost: None,
            failed: None,
            stop: false,
        }
    }

    pub(crate) fn completion(&self) -> &Arc<Completion> {
        self.queue.completion()
    }

    /// Fails if the device is lost.
    pub(crate) fn check(&self) -> Result<()> {
        self.lost.clone().map_or(Ok(()), Err)
    }

    /// The error of earlier queued work, once.
    pub(crate) fn take_failure(&mut self) -> Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Turns a failure of the driver into an error; a lost device stays lost.
    pub(crate) fn fail(&mut self, e: vulkan::Error) -> Error {
        if e.kind != vulkan::ErrorKind::DeviceLost {
            return e.into();
        }
        if let Some(lost) = &self.lost {
            return lost.clone();
        }
        let done = self.completion().done();
        let mut names: Vec<&str> = self.kernels.iter().filter(|(n, _)| *n > done).map(|(_, name)| &**name).collect();
        names.dedup();
        let kernels = match names.as_slice() {
            [] => "no kernel was in flight".to_owned(),
            some => format!("kernels in flight: '{}'", some.join("', '")),
        };
        let lost =
            Error::new(Status::DeviceLost, format!("the device is lost ({}); {kernels}; avx_destroy it and create it again", e.message));
        self.lost = Some(lost.clone());
        lost
    }

    /// Keeps an error of queued work for the next wait or read.
    fn keep_failure(&mut self, e: Error) {
        if self.failed.is_none() && self.lost.is_none() {
            self.failed = Some(e);
        }
    }

    // Buffers.

    /// Starts to track a buffer. `host_reads`: the host reads its memory directly.
    pub(crate) fn track(&mut self, allocation: Option<Allocation>, host_reads: bool) -> TrackId {
        self.generations += 1;
        let generation = self.generations;
        let track = Track { generation, history: History::default(), mapped: None, pins: Vec::new(), allocation, freed: false, host_reads };
        let slot = match self.free_tracks.pop() {
            Some(slot) => {
                self.tracks[slot as usize] = Some(track);
                slot
            }
            None => {
                self.tracks.push(Some(track));
                (self.tracks.len() - 1) as u32
            }
        };
        TrackId { slot, generation }
    }

    fn track_of(&self, id: TrackId) -> Option<&Track> {
        self.tracks.get(id.slot as usize)?.as_ref().filter(|track| track.generation == id.generation)
    }

    fn track_of_mut(&mut self, id: TrackId) -> Option<&mut Track> {
        self.tracks.get_mut(id.slot as usize)?.as_mut().filter(|track| track.generation == id.generation)
    }

    /// The buffer's track, if it has not been freed.
    pub(crate) fn live(&mut self, id: TrackId) -> Result<&mut Track> {
        match self.track_of_mut(id) {
            Some(track) if !track.freed => Ok(track),
            _ => Err(Error::new(Status::InvalidHandle, "the buffer was freed by another thread during this call")),
        }
    }

    /// Ends a buffer: its memory goes when the GPU, and calls in progress, have passed their last use of it.
    pub(crate) fn free(&mut self, id: TrackId) {
        if let Some(track) = self.track_of_mut(id) {
            track.freed = true;
            track.mapped = None;
        }
        self.bury_track(id);
    }

    fn bury_track(&mut self, id: TrackId) {
        if !self.track_of(id).is_some_and(|track| track.freed && track.pins.is_empty()) {
            return;
        }
        if let Some(mut track) = self.tracks[id.slot as usize].take() {
            self.free_tracks.push(id.slot);
            if let Some(allocation) = track.allocation.take() {
                self.bury(track.history.last_use(), Dead::Memory(allocation));
            }
        }
    }

    /// Lets something go when submission `last_use` is done.
    pub(crate) fn bury(&mut self, last_use: u64, dead: Dead) {
        self.graveyard.entry(last_use).or_default().push(dead);
    }

    /// True if something waits for the GPU before it can go.
    pub(crate) fn has_dead(&self) -> bool {
        !self.graveyard.is_empty()
    }

    /// What may go now. The caller drops it, and gives memory back, with the lock released or held.
    pub(crate) fn reap(&mut self) -> Vec<Dead> {
        self.queue.retire();
        let done = self.done();
        while self.kernels.front().is_some_and(|(n, _)| *n <= done) {
            self.kernels.pop_front();
        }
        if self.graveyard.first_key_value().is_none_or(|(n, _)| *n > done) {
            return Vec::new();
        }
        let later = self.graveyard.split_off(&(done + 1));
        std::mem::replace(&mut self.graveyard, later).into_values().flatten().collect()
    }

    /// True if a call in progress uses bytes of the range from the host in a way that conflicts.
    pub(crate) fn is_pinned(&mut self, id: TrackId, range: &Range<u64>, write: bool) -> Result<bool> {
        let track = self.live(id)?;
        Ok(track.pins.iter().any(|(r, w)| (*w || write) && r.start < range.end && range.start < r.end))
    }

    /// Keeps others from the range while this call works on it with no lock held. Ended by [`Engine::unpin`].
    pub(crate) fn pin(&mut self, id: TrackId, range: &Range<u64>, write: bool) -> Result<()> {
        self.live(id)?.pins.push((range.clone(), write));
        Ok(())
    }

    pub(crate) fn unpin(&mut self, id: TrackId, range: &Range<u64>, write: bool) {
        if let Some(track) = self.track_of_mut(id)
            && let Some(i) = track.pins.iter().position(|(r, w)| r == range && *w == write)
        {
            track.pins.swap_remove(i);
        }
        self.bury_track(id);
    }

    /// The submission that the host must wait for before it reads, or writes, the range; 0 if none.
    pub(crate) fn must_wait_for(&mut self, id: TrackId, range: &Range<u64>, write: bool) -> Result<u64> {
        let number = self.live(id)?.history.last_conflict(range, write);
        if number <= self.done() {
            return Ok(0);
        }
        self.completion().poll().map_err(|e| self.fail(e))?;
        Ok(if number <= self.done() { 0 } else { number })
    }

    // Recording.

    /// The number of the submission that work recorded now goes into.
    pub(crate) fn open_number(&self) -> u64 {
        self.queue.submitted() + 1
    }

    /// The number of the last submission, after submitting what is held back.
    pub(crate) fn flush(&mut self) -> Result<u64> {
        self.submit()?;
        Ok(self.queue.submitted())
    }

    /// Makes sure that submission `number` has gone to the device; returns the number to wait for.
    pub(crate) fn flush_to(&mut self, number: u64) -> Result<u64> {
        if number > self.queue.submitted() {
            self.submit()?;
        }
        Ok(number.min(self.queue.submitted()))
    }

    /// The last submission that is known to be done. If nothing is being recorded and all is done, that includes the next number: work
    /// that had it did not reach the device.
    pub(crate) fn done(&self) -> u64 {
        let (done, submitted) = (self.completion().done(), self.queue.submitted());
        if self.open.is_none() && done >= submitted { submitted + 1 } else { done }
    }

    /// Records one command (or several that need no order among themselves) of `stage`, behind the barrier that its uses need.
    pub(crate) fn record(
        &mut self,
        stage: Stage,
        uses: &[(TrackId, Range<u64>, bool)],
        command: impl FnOnce(&mut Commands, &mut Staging, Moment) -> Result<()>,
    ) -> Result<()> {
        self.check()?;
        let mut src = Stages::default();
        for (id, range, write) in uses {
            let new = Use { range: range.clone(), stage, write: *write };
            let order = &self.order;
            if let Some(track) = self.track_of(*id) {
                src.insert(track.history.conflicts(&new, order));
            }
        }
        let number = self.open_number();
        self.open_batch()?;
        let done = self.completion().done();
        // The batch stays in its place, so that a panic in the command does not take along what earlier calls recorded.
        let Some(open) = &mut self.open else { return Err(Error::new(Status::Internal, "no batch is open")) };
        if !src.is_empty() {
            self.order.barrier(src, stage.into());
            open.commands.barrier(stage_set(src), stage_set(stage.into()));
        }
        let outcome = command(&mut open.commands, &mut self.staging, Moment { submission: number, done });
        open.count += u32::from(outcome.is_ok());
        let at = Point { sequence: self.order.next(), submission: number };
        for (id, range, write) in uses {
            if let Some(track) = self.tracks.get_mut(id.slot as usize).and_then(Option::as_mut).filter(|t| t.generation == id.generation) {
                track.history.record(Use { range: range.clone(), stage, write: *write }, at, done);
                if *write && track.host_reads {
                    match stage {
                        Stage::Compute => open.host_writes.compute = true,
                        Stage::Transfer => open.host_writes.transfer = true,
                    }
                }
            }
        }
        outcome
    }

    /// Makes sure that a batch is being recorded.
    fn open_batch(&mut self) -> Result<()> {
        if self.open.is_some() {
            return Ok(());
        }
        let mut commands = self.queue.begin().map_err(|e| self.fail(e))?;
        if std::mem::take(&mut self.batch_was_lost) {
            let mut all = Stages::COMPUTE;
            all.insert(Stages::TRANSFER);
            self.order.barrier(all, all);
            commands.barrier(stage_set(all), stage_set(all));
        }
        self.open = Some(Open { commands, count: 0, host_writes: StageSet::default() });
        Ok(())
    }

    /// The work recorded so far writes staging memory that the host will read.
    pub(crate) fn host_will_read(&mut self) {
        if let Some(open) = &mut self.open {
            open.host_writes.transfer = true;
        }
    }

    /// Remembers that a kernel of this name is in the open submission.
    pub(crate) fn note_kernel(&mut self, name: &Arc<str>) {
        let number = self.open_number();
        if self.kernels.back().is_none_or(|(n, last)| *n != number || !Arc::ptr_eq(last, name)) {
            self.kernels.push_back((number, name.clone()));
        }
    }

    /// After recording: submits if the device is idle or the batch is full. True if a tail is held back that the tail thread must
    /// watch from now on.
    pub(crate) fn pace(&mut self) -> Result<bool> {
        let Some(open) = &self.open else { return Ok(false) };
        let count = open.count;
        if count >= BATCH {
            self.submit()?;
            return Ok(false);
        }
        if (count == 1 || count.is_multiple_of(LOOK)) && self.is_idle()? {
            self.submit()?;
            return Ok(false);
        }
        Ok(count == 1)
    }

    /// True if work is recorded and not submitted.
    pub(crate) fn has_tail(&self) -> bool {
        self.open.is_some() && self.lost.is_none()
    }

    /// The number of the last submission.
    pub(crate) fn submitted(&self) -> u64 {
        self.queue.submitted()
    }

    /// Submits the tail if the device has drained.
    pub(crate) fn submit_if_idle(&mut self) {
        match self.is_idle() {
            Ok(true) => {
                if let Err(e) = self.submit() {
                    self.keep_failure(e);
                }
            }
            Ok(false) => {}
            Err(e) => self.keep_failure(e),
        }
    }

    fn is_idle(&mut self) -> Result<bool> {
        let submitted = self.queue.submitted();
        if self.completion().done() >= submitted {
            return Ok(true);
        }
        let done = self.completion().poll().map_err(|e| self.fail(e))?;
        Ok(done >= submitted)
    }

    fn submit(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else { return self.check() };
        self.check()?;
        if open.host_writes != StageSet::default() {
            open.commands.host_barrier(open.host_writes);
        }
        match self.queue.submit(open.commands) {
            Ok(_) => Ok(()),
            Err(e) => {
                // Neither its barriers happened nor the uses that others were waiting behind.
                self.batch_was_lost = true;
                let count = open.count;
                let mut error = self.fail(e);
                if error.status != Status::DeviceLost {
                    error.message = format!("{count} queued commands did not reach the device: {}", error.message);
                }
                Err(error)
            }
        }
    }
}

fn stage_set(stages: Stages) -> StageSet {
    StageSet { compute: stages.contains(Stages::COMPUTE), transfer: stages.contains(Stages::TRANSFER) }
}
