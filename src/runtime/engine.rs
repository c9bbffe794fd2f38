//! The engine of a device: what is being recorded, what is in flight, who uses what, and what may go when.
//!
//! One mutex of the device guards it; nothing in here waits for the GPU. Work is recorded in the order of the calls, into the lane of
//! its stream. It is submitted at once when the lane's queue is idle and in batches while it is busy; the tail that is held back goes
//! when the queue drains (see `tail.rs`). Submissions of all lanes are numbered together, each when its batch is begun.

use super::delivery::Deliveries;
use super::error::{Error, Result, Status};
use super::graveyard::{Dead, Graveyard};
use super::hazard::{Clock, Conflicts, MAX_LANES, Point, Stage, Stages};
use super::lane::{Lane, Open};
use super::staging::Staging;
use super::stream::Line;
use super::timeline::{Label, Timeline};
use super::track::{Touch, Track, TrackId, Tracks};
use crate::vulkan::{self, Allocation, Commands, Completion, Queue, StageSet};
use std::ops::Range;
use std::sync::Arc;

/// Commands in one submission at most: the driver takes a batch while the one before runs.
const BATCH: u32 = 256;
/// After so many commands of an open batch the engine looks whether the queue has drained.
const LOOK: u32 = 16;

/// When a command is recorded: in which lane, which submission it goes into, and the last one of the lane that is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) lane: u8,
    pub(crate) submission: u64,
    pub(crate) done: u64,
}

/// See the module.
pub(crate) struct Engine {
    pub(crate) lanes: Vec<Lane>,
    /// The last number given to a submission.
    last: u64,
    pub(crate) tracks: Tracks,
    pub(crate) staging: Staging,
    graveyard: Graveyard,
    /// Bytes on their way into the host's memory.
    pub(crate) deliveries: Deliveries,
    /// The device is lost: every later call says so.
    lost: Option<Error>,
    /// Work that was queued with success failed later: told once, by the next wait or read of the stream whose id stands with it.
    failed: Vec<(u64, Error)>,
    /// Writes what the device does into a trace, if there is one.
    pub(crate) timeline: Option<Timeline>,
    /// The device is being destroyed: its tail thread ends.
    pub(crate) stop: bool,
}

impl Engine {
    pub(crate) fn new(queues: Vec<Queue>, staging: Staging) -> Engine {
        Engine {
            lanes: queues.into_iter().take(MAX_LANES).map(Lane::new).collect(),
            last: 0,
            tracks: Tracks::default(),
            staging,
            graveyard: Graveyard::default(),
            deliveries: Deliveries::default(),
            lost: None,
            failed: Vec::new(),
            timeline: None,
            stop: false,
        }
    }

    /// Fails if the device is lost.
    pub(crate) fn check(&self) -> Result<()> {
        self.lost.clone().map_or(Ok(()), Err)
    }

    /// The error of earlier queued work of a stream (or of any, for `None`), once.
    pub(crate) fn take_failure(&mut self, stream: Option<u64>) -> Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        match self.failed.iter().position(|(id, _)| stream.is_none_or(|wanted| *id == wanted)) {
            Some(i) => Err(self.failed.remove(i).1),
            None => Ok(()),
        }
    }

    /// Keeps an error for the next wait or read of a stream, if there is none already.
    pub(crate) fn keep_failure(&mut self, stream: u64, error: Error) {
        if !self.failed.iter().any(|(id, _)| *id == stream) {
            self.failed.push((stream, error));
        }
    }

    /// Turns a failure of the driver into an error; a lost device stays lost.
    pub(crate) fn fail(&mut self, e: vulkan::Error) -> Error {
        if e.kind != vulkan::ErrorKind::DeviceLost {
            return e.into();
        }
        if let Some(lost) = &self.lost {
            return lost.clone();
        }
        let mut names: Vec<&str> = self.lanes.iter().flat_map(Lane::kernels_in_flight).collect();
        names.dedup();
        let kernels = match names.as_slice() {
            [] => "no kernel was in flight".to_owned(),
            some => format!("kernels in flight: '{}'", some.join("', '")),
        };
        let lost = format!(
            "the device is lost ({}): a kernel ran longer than the driver's watchdog allows, or something failed on the way; {kernels}; \
             avx_destroy it and create it again",
            e.message
        );
        let lost = Error::new(Status::DeviceLost, lost);
        self.lost = Some(lost.clone());
        lost
    }

    // Buffers.

    /// The track of a buffer that has not been freed.
    pub(crate) fn live(&mut self, id: TrackId) -> Result<&mut Track> {
        self.tracks.live(id)
    }

    /// Ends a buffer: its memory goes when the GPU, and calls in progress, have passed their last use of it.
    pub(crate) fn free(&mut self, id: TrackId) {
        let dead = self.tracks.free(id);
        self.bury_memory(dead);
    }

    /// Ends a pin of a range: see [`Tracks::pin`].
    pub(crate) fn unpin(&mut self, id: TrackId, range: &Range<u64>, write: bool) {
        let dead = self.tracks.unpin(id, range, write);
        self.bury_memory(dead);
    }

    /// Ends a hold: see [`Tracks::hold`].
    pub(crate) fn release(&mut self, id: TrackId) {
        let dead = self.tracks.release(id);
        self.bury_memory(dead);
    }

    fn bury_memory(&mut self, dead: Option<(Clock, Allocation)>) {
        if let Some((last_use, allocation)) = dead {
            self.bury(last_use, Dead::Memory(allocation));
        }
    }

    /// Lets something go when the submissions of `last_use` are done.
    pub(crate) fn bury(&mut self, last_use: Clock, dead: Dead) {
        let done = self.done();
        self.graveyard.bury(last_use, dead, &done);
    }

    /// True if something waits for the GPU before it can go.
    pub(crate) fn has_dead(&self) -> bool {
        self.graveyard.is_waiting()
    }

    /// False if `reap` would do nothing.
    #[inline]
    pub(crate) fn has_work_for_reap(&self) -> bool {
        !self.graveyard.is_empty() || self.timeline.is_some()
    }

    /// What may go now. The caller drops it, and gives memory back, with the lock released or held.
    pub(crate) fn reap(&mut self) -> Vec<Dead> {
        self.trace_done();
        if self.graveyard.is_empty() {
            return Vec::new();
        }
        let done = self.done();
        self.graveyard.reap(&done)
    }

    /// Writes what is done into the trace, if there is one.
    pub(crate) fn trace_done(&mut self) {
        if self.timeline.is_none() {
            return;
        }
        let done = self.done();
        let drained = self.timeline.as_mut().map_or(Ok(()), |timeline| timeline.drain(&done));
        if let Err(e) = drained {
            self.fail(e);
        }
    }

    /// The submissions that the host must wait for before it reads, or writes, the range; zeros for none.
    pub(crate) fn must_wait_for(&mut self, id: TrackId, range: &Range<u64>, write: bool) -> Result<Clock> {
        let mut clock = self.live(id)?.history.last_conflict(range, write);
        for (lane, number) in clock.iter_mut().take(self.lanes.len()).enumerate() {
            if *number > self.lanes[lane].done(self.last) {
                let polled = self.lanes[lane].queue.completion().poll();
                polled.map_err(|e| self.fail(e))?;
            }
            if *number <= self.lanes[lane].done(self.last) {
                *number = 0;
            }
        }
        Ok(clock)
    }

    // Recording.

    /// All that is recorded or submitted until now.
    pub(crate) fn now(&self) -> Clock {
        let mut clock = Clock::default();
        for (number, lane) in clock.iter_mut().zip(&self.lanes) {
            *number = lane.open.as_ref().map_or(lane.queue.submitted(), |open| open.number);
        }
        clock
    }

    /// Submits what is held back, of all lanes; the numbers to wait for.
    pub(crate) fn flush(&mut self) -> Result<Clock> {
        let now = self.now();
        self.flush_to(now)
    }

    /// Makes sure that these submissions have gone to the device; the numbers to wait for. The host is going to.
    pub(crate) fn flush_to(&mut self, mut clock: Clock) -> Result<Clock> {
        self.check()?;
        for (lane, number) in clock.iter_mut().take(self.lanes.len()).enumerate() {
            if *number > self.lanes[lane].queue.submitted() {
                // Who asks is told now, and not again.
                self.submit(lane).inspect_err(|e| self.failed.retain(|(_, kept)| kept.message != e.message))?;
            }
            if *number > 0 {
                self.lanes[lane].eager = 1;
            }
            *number = (*number).min(self.lanes[lane].queue.submitted());
        }
        Ok(clock)
    }

    /// For each lane the last submission that is known to be done.
    pub(crate) fn done(&self) -> Clock {
        let mut clock = [u64::MAX; MAX_LANES];
        for (done, lane) in clock.iter_mut().zip(&self.lanes) {
            *done = lane.done(self.last);
        }
        clock
    }

    /// Records one command (or several that need no order among themselves) for a stream, behind the barrier and the waits that what
    /// it touches needs.
    pub(crate) fn record<'a>(
        &mut self,
        stream: &Arc<Line>,
        touches: &[Touch],
        label: impl FnOnce() -> Label<'a>,
        command: impl FnOnce(&mut Commands, &mut Staging, Moment) -> Result<()>,
    ) -> Result<()> {
        let (lane, done) = self.order(stream, touches)?;
        let Lane { open: Some(open), order, .. } = &mut self.lanes[lane] else {
            return Err(Error::new(Status::Internal, "no batch is open"));
        };
        let submission = open.number;
        let moment = Moment { lane: lane as u8, submission, done: done[lane] };
        // The batch stays in its place, so that a panic in the command does not take along what earlier calls recorded.
        let staging = &mut self.staging;
        let outcome = match &mut self.timeline {
            None => command(&mut open.commands, staging, moment),
            Some(timeline) => {
                let place = (moment.lane, submission, stream);
                timeline.around(&mut open.commands, place, label(), |commands| command(commands, staging, moment))
            }
        };
        open.count += u32::from(outcome.is_ok());
        let at = Point { lane: lane as u8, sequence: order.next(), submission };
        for touch in touches {
            if let Some(track) = self.tracks.get_mut(touch.track) {
                track.history.record(touch.of.clone(), at, &done);
                if touch.of.write && track.host_reads {
                    match touch.of.stage {
                        Stage::Compute => open.host_writes.compute = true,
                        Stage::Transfer => open.host_writes.transfer = true,
                        Stage::Indirect => {}
                    }
                }
            }
        }
        self.lanes[lane].last_stage = touches.first().map(|touch| touch.of.stage);
        stream.used(submission);
        outcome
    }

    /// What commands of a lane that touch this must wait for: stages before a barrier, stages behind it, submissions of other lanes.
    #[inline]
    fn conflicts(&self, lane: usize, touches: &[Touch], done: &Clock) -> (Stages, Stages, Clock) {
        let (mut src, mut dst, mut lanes) = (Stages::default(), Stages::default(), Clock::default());
        for touch in touches {
            let mut conflicts = Conflicts { stages: Stages::default(), lanes };
            if let Some(track) = self.tracks.get(touch.track) {
                track.history.conflicts(&touch.of, lane as u8, &self.lanes[lane].order, done, &mut conflicts);
            }
            if !conflicts.stages.is_empty() {
                src.insert(conflicts.stages);
                dst.insert(touch.of.stage.into());
            }
            lanes = conflicts.lanes;
        }
        (src, dst, lanes)
    }

    /// Makes the stream's lane ready for commands that touch this: a batch is open, waits for other lanes and a barrier stand in it.
    /// The lane, and what is done.
    fn order(&mut self, stream: &Arc<Line>, touches: &[Touch]) -> Result<(usize, Clock)> {
        self.check()?;
        let lane = usize::from(stream.lane);
        let done = self.done();
        let (src, dst, lanes) = self.conflicts(lane, touches, &done);
        if lanes != Clock::default() {
            self.start_after(lane, lanes)?;
        }
        self.open_batch(lane)?;
        let Some(open) = &mut self.lanes[lane].open else { return Err(Error::new(Status::Internal, "no batch is open")) };
        if open.streams.last().is_none_or(|last| !Arc::ptr_eq(last, stream)) && !open.streams.iter().any(|s| Arc::ptr_eq(s, stream)) {
            open.streams.push(stream.clone());
        }
        if !src.is_empty() {
            self.barrier(lane, src, dst);
        }
        Ok((lane, done))
    }

    /// Records a barrier into the open batch.
    fn barrier(&mut self, lane: usize, src: Stages, dst: Stages) {
        let lane = &mut self.lanes[lane];
        if let Some(open) = &mut lane.open {
            lane.order.barrier(src, dst);
            open.commands.barrier(stage_set(src), stage_set(dst));
        }
    }

    /// Has all that is recorded in `lane` from now on start after these submissions of other lanes. Only what has been submitted is
    /// waited for, so no two lanes wait for each other.
    fn start_after(&mut self, lane: usize, lanes: Clock) -> Result<()> {
        for other in (0..self.lanes.len()).filter(|other| *other != lane) {
            let number = lanes[other];
            if number <= self.lanes[lane].waited[other] || number <= self.lanes[other].done(self.last) {
                continue;
            }
            if self.lanes[other].open.as_ref().is_some_and(|open| open.number <= number) {
                self.submit(other)?;
            }
            let number = number.min(self.lanes[other].queue.submitted());
            if self.lanes[lane].open.as_ref().is_some_and(|open| open.count > 0) {
                self.submit(lane)?;
            }
            self.open_batch(lane)?;
            let lane = &mut self.lanes[lane];
            lane.waited[other] = number;
            if let Some(open) = &mut lane.open {
                open.waits.push((other as u8, number));
            }
        }
        Ok(())
    }

    /// Has all that the stream's lane gets from now on start after a point of any lane.
    pub(crate) fn order_behind(&mut self, stream: &Arc<Line>, point: Point) -> Result<()> {
        self.check()?;
        let lane = usize::from(stream.lane);
        if point.lane != stream.lane {
            let mut lanes = Clock::default();
            lanes[usize::from(point.lane)] = point.submission;
            return self.start_after(lane, lanes);
        }
        if point.submission > self.lanes[lane].done(self.last) && !self.lanes[lane].order.is_all_ordered(point.sequence) {
            self.open_batch(lane)?;
            self.barrier(lane, Stages::ALL, Stages::ALL);
        }
        Ok(())
    }

    /// True if the last command of the stream's lane is a kernel that is not known to be done.
    pub(crate) fn follows_kernel(&self, stream: &Line) -> bool {
        let lane = &self.lanes[usize::from(stream.lane)];
        let busy = lane.open.is_some() || lane.queue.completion().done() < lane.queue.submitted();
        busy && lane.last_stage == Some(Stage::Compute)
    }

    /// The point behind all that the stream has recorded.
    pub(crate) fn point_of(&self, stream: &Line) -> Point {
        let lane = &self.lanes[usize::from(stream.lane)];
        Point { lane: stream.lane, sequence: lane.order.last(), submission: stream.last() }
    }

    /// Makes sure that a batch is being recorded.
    fn open_batch(&mut self, lane: usize) -> Result<()> {
        if self.lanes[lane].open.is_some() {
            return Ok(());
        }
        let commands = self.lanes[lane].queue.begin();
        let mut commands = commands.map_err(|e| self.fail(e))?;
        self.last += 1;
        let lane = &mut self.lanes[lane];
        if std::mem::take(&mut lane.batch_was_lost) {
            lane.order.barrier(Stages::ALL, Stages::ALL);
            commands.barrier(stage_set(Stages::ALL), stage_set(Stages::ALL));
            // Nor did its waits happen.
            lane.waited = Clock::default();
        }
        lane.open = Some(Open {
            commands,
            number: self.last,
            count: 0,
            host_writes: StageSet::default(),
            waits: Default::default(),
            streams: Default::default(),
        });
        Ok(())
    }

    /// The work recorded so far in a lane writes staging memory that the host will read.
    pub(crate) fn host_will_read(&mut self, lane: u8) {
        if let Some(open) = &mut self.lanes[usize::from(lane)].open {
            open.host_writes.transfer = true;
        }
    }

    /// After recording: submits if the queue is idle or the batch is full. True if a tail is held back that the tail thread must
    /// watch from now on.
    pub(crate) fn pace(&mut self, stream: &Line) -> Result<bool> {
        let lane = usize::from(stream.lane);
        let eager = self.lanes[lane].eager;
        let Some(open) = &self.lanes[lane].open else { return Ok(false) };
        let count = open.count;
        let full = count >= BATCH;
        if full || (count >= eager && (count == eager || count.is_multiple_of(LOOK)) && self.is_idle(lane)?) {
            // The caller is told now, and not again.
            self.submit(lane).inspect_err(|_| self.failed.retain(|(id, _)| *id != stream.id))?;
            if !full {
                self.lanes[lane].grow();
            }
            return Ok(false);
        }
        Ok(count == 1)
    }

    /// The last submission of each lane.
    pub(crate) fn submitted(&self) -> Clock {
        let mut clock = Clock::default();
        for (number, lane) in clock.iter_mut().zip(&self.lanes) {
            *number = lane.queue.submitted();
        }
        clock
    }

    /// True if work of a lane is recorded and not submitted.
    pub(crate) fn has_tail(&self) -> bool {
        self.lost.is_none() && self.lanes.iter().any(|lane| lane.open.is_some())
    }

    /// What must be done before the tails go.
    pub(crate) fn before_tails(&self) -> Vec<(Arc<Completion>, u64)> {
        let held_back = self.lanes.iter().filter(|lane| lane.open.is_some());
        held_back.map(|lane| (lane.queue.completion().clone(), lane.queue.submitted())).collect()
    }

    /// Submits the tails of the lanes whose queues have drained.
    pub(crate) fn submit_idle(&mut self) {
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].open.is_none() {
                continue;
            }
            // A failure is kept for the streams of the batch; a lost device by the engine.
            if let Ok(true) = self.is_idle(lane) {
                drop(self.submit(lane));
            }
        }
    }

    fn is_idle(&mut self, lane: usize) -> Result<bool> {
        let queue = &self.lanes[lane].queue;
        let submitted = queue.submitted();
        if queue.completion().done() >= submitted {
            return Ok(true);
        }
        let polled = queue.completion().poll();
        Ok(polled.map_err(|e| self.fail(e))? >= submitted)
    }

    /// Submits what is recorded in a lane. A failure is kept for the streams whose work it was, as well as returned.
    pub(crate) fn submit(&mut self, lane: usize) -> Result<()> {
        self.submit_with(lane, None)
    }

    /// As `submit`, with commands behind it that were recorded earlier.
    fn submit_with(&mut self, lane: usize, graph: Option<&Commands>) -> Result<()> {
        let Some(mut open) = self.lanes[lane].open.take() else { return self.check() };
        self.check()?;
        if open.host_writes != StageSet::default() {
            open.commands.host_barrier(open.host_writes);
        }
        let waits: smallvec::SmallVec<[_; 4]> =
            open.waits.iter().map(|(other, number)| (self.lanes[usize::from(*other)].queue.completion().clone(), *number)).collect();
        let waits: smallvec::SmallVec<[_; 4]> = waits.iter().map(|(completion, number)| (&**completion, *number)).collect();
        let submitted = self.lanes[lane].queue.submit(Some(open.commands), graph, &waits, open.number);
        self.lanes[lane].forget_kernels();
        submitted.map_err(|e| {
            // Neither its barriers happened nor the uses that others were waiting behind.
            self.lanes[lane].batch_was_lost = true;
            let mut error = self.fail(e);
            if error.status != Status::DeviceLost {
                error.message = format!("{} queued commands did not reach the device: {}", open.count, error.message);
                for stream in &open.streams {
                    self.keep_failure(stream.id, error.clone());
                }
            }
            error
        })
    }

    /// Runs commands that were recorded earlier, which touch this, as part of a stream. The submission that carries them.
    pub(crate) fn launch(&mut self, stream: &Arc<Line>, touches: &[Touch], graph: &Commands, label: Label<'_>) -> Result<u64> {
        self.check()?;
        let lane = usize::from(stream.lane);
        let done = self.done();
        let (src, dst, lanes) = self.conflicts(lane, touches, &done);
        if lanes != Clock::default() {
            self.start_after(lane, lanes)?;
        }
        if !src.is_empty() || self.timeline.is_some() || self.lanes[lane].batch_was_lost {
            self.open_batch(lane)?;
        }
        if !src.is_empty() {
            // Recorded in front of the graph: its own commands are the same each time, and mostly need none.
            self.barrier(lane, src, dst);
        }
        let number = self.lanes[lane].open.as_ref().map_or(self.last + 1, |open| open.number);
        self.last = self.last.max(number);
        let at = Point { lane: lane as u8, sequence: self.lanes[lane].order.next(), submission: number };
        for touch in touches {
            if let Some(track) = self.tracks.get_mut(touch.track) {
                track.history.record(touch.of.clone(), at, &done);
            }
        }
        stream.used(number);
        let Some(open) = &mut self.lanes[lane].open else {
            // Nothing is held back: the commands go as they are.
            let submitted = self.lanes[lane].queue.submit(None, Some(graph), &[], number);
            return submitted.map(|()| number).map_err(|e| {
                self.lanes[lane].batch_was_lost = true;
                self.fail(e)
            });
        };
        open.count += 1;
        let start = self.timeline.as_mut().and_then(|timeline| timeline.start(&mut open.commands));
        self.submit_with(lane, Some(graph))?;
        if let Some(start) = start {
            // The end is in the batch behind it: a graph's own commands are the same each time.
            self.open_batch(lane)?;
            if let (Some(timeline), Some(open)) = (&mut self.timeline, &mut self.lanes[lane].open) {
                timeline.end(&mut open.commands, (lane as u8, open.number, stream), label, start);
                open.count += 1;
            }
        }
        Ok(number)
    }
}

pub(crate) fn stage_set(stages: Stages) -> StageSet {
    StageSet {
        compute: stages.contains(Stages::COMPUTE),
        transfer: stages.contains(Stages::TRANSFER),
        indirect: stages.contains(Stages::INDIRECT),
    }
}
