//! Which command must wait for which: pure data that knows no GPU.
//!
//! Each command of a queue has a sequence number. A buffer remembers its accesses that still matter ([`History`]). A queue remembers which
//! pairs of stages its barriers have ordered, and up to which command ([`BarrierState`]). A new access conflicts with an old one if they
//! share bytes and one of them writes, unless both are atomics that commute. In the queue of the old access, the new one needs a barrier
//! only if no barrier since then has ordered the two stages. So independent commands get no barrier, and a chain of dependent commands gets
//! exactly one for each. In another queue, the new access waits for the submission of the old one.

pub(crate) use crate::vulkan::{Stage, Stages};
use smallvec::SmallVec;
use std::ops::Range;

/// The most queues that one device uses.
pub(crate) const MAX_QUEUES: usize = 4;

/// One submission number for each queue. It stands for all submissions of that queue up to the number; 0 stands for none.
pub(crate) type QueueSeqs = [u64; MAX_QUEUES];

/// All submissions of one queue up to a number, and no submission of the others.
#[inline]
pub(crate) fn seqs_of(queue: u8, submission: u64) -> QueueSeqs {
    let mut seqs = QueueSeqs::default();
    seqs[usize::from(queue)] = submission;
    seqs
}

/// True if two ranges share a value.
#[inline]
pub(crate) fn overlap<T: PartialOrd>(a: &Range<T>, b: &Range<T>) -> bool {
    a.start < b.end && b.start < a.end
}

/// One access of a command to bytes of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) range: Range<u64>,
    pub(crate) stage: Stage,
    pub(crate) write: bool,
    /// The access is by atomics that commute with those of other unordered accesses.
    pub(crate) unordered: bool,
}

impl Access {
    /// True if the two accesses share bytes and one of them writes.
    #[inline]
    pub(crate) fn clashes(&self, other: &Access) -> bool {
        (self.write || other.write) && overlap(&self.range, &other.range)
    }
}

/// When a command runs: its queue, its sequence number there, and the submission that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimelinePoint {
    pub(crate) queue: u8,
    pub(crate) sequence: u64,
    pub(crate) submission: u64,
}

impl TimelinePoint {
    /// The submission that carries the command, and those before it in its queue.
    pub(crate) fn seqs(&self) -> QueueSeqs {
        seqs_of(self.queue, self.submission)
    }
}

/// What the barriers that were recorded so far in one queue have ordered.
#[derive(Debug, Default)]
pub(crate) struct BarrierState {
    /// The last sequence number given out.
    sequence: u64,
    /// `ordered[a][b]`: commands of stage a up to this number happen before later commands of stage b, which see their writes.
    ordered: [[u64; Stage::ALL.len()]; Stage::ALL.len()],
}

impl BarrierState {
    /// Gives out the number of the next command.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// The number of the last command.
    pub(crate) fn last(&self) -> u64 {
        self.sequence
    }

    /// Notes a barrier from `src` to `dst` at this place.
    #[inline]
    pub(crate) fn barrier(&mut self, src: Stages, dst: Stages) {
        for a in src.numbers() {
            for b in dst.numbers() {
                self.ordered[a][b] = self.sequence;
            }
        }
    }

    /// True if everything up to command `sequence` is ordered before the next command.
    pub(crate) fn is_all_ordered(&self, sequence: u64) -> bool {
        self.ordered.iter().flatten().all(|ordered| *ordered >= sequence)
    }

    /// True if no barrier since command `sequence` has ordered anything after that stage of it.
    #[inline]
    fn is_fresh(&self, stage: Stage, sequence: u64) -> bool {
        self.ordered[stage as usize].iter().all(|ordered| *ordered < sequence)
    }

    #[inline]
    fn is_ordered(&self, before: &Past, stage: Stage) -> bool {
        self.ordered[before.access.stage as usize][stage as usize] >= before.at.sequence
    }
}

#[derive(Clone, Debug)]
struct Past {
    access: Access,
    at: TimelinePoint,
}

/// What a new access must wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conflicts {
    /// Stages of earlier commands of its own queue, which a barrier must cover.
    pub(crate) stages: Stages,
    /// Submissions of other queues.
    pub(crate) queues: QueueSeqs,
}

/// The accesses to one buffer that a later access may conflict with.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// There are mostly one or two. They are stored in place because each dispatch looks at them.
    past: SmallVec<[Past; 2]>,
}

/// More remembered uses than this are merged, which may order more than needed and never less.
const MAX_PAST: usize = 32;

impl History {
    /// The stages that `new` needs a barrier after, if all accesses that it conflicts with are in `queue`, whose barriers are `state` and
    /// whose submissions up to `done` are done. `None` if `conflicts` must be asked.
    #[inline(always)]
    pub(crate) fn trivial_conflict(&self, new: &Access, queue: u8, done: u64, state: &BarrierState) -> Option<Stages> {
        let mut stages = Stages::default();
        for past in &self.past {
            if !conflict(&past.access, new) {
                continue;
            }
            if past.at.queue != queue {
                return None;
            }
            if past.at.submission > done && !state.is_ordered(past, new.stage) {
                stages.insert(past.access.stage.into());
            }
        }
        Some(stages)
    }

    /// Adds to `conflicts` what `new` must wait for in `queue`, whose barriers are `state`. `done(queue)` is the last submission of a queue
    /// that is done; nothing waits for it.
    #[inline]
    pub(crate) fn conflicts(&self, new: &Access, queue: u8, state: &BarrierState, done: impl Fn(usize) -> u64, conflicts: &mut Conflicts) {
        for past in &self.past {
            if !conflict(&past.access, new) || past.at.queue == queue && state.is_ordered(past, new.stage) {
                continue;
            }
            let queue_of = past.at.queue as usize;
            if past.at.submission <= done(queue_of) {
                // The host has seen that it is done, and hands the next submission to the device after that.
                continue;
            }
            if past.at.queue == queue {
                conflicts.stages.insert(past.access.stage.into());
            } else {
                conflicts.queues[queue_of] = conflicts.queues[queue_of].max(past.at.submission);
            }
        }
    }

    /// The last submissions that the host must wait for before it reads (or writes) the range itself.
    pub(crate) fn last_conflict(&self, range: &Range<u64>, write: bool) -> QueueSeqs {
        let new = Access { range: range.clone(), stage: Stage::Transfer, write, unordered: false };
        self.latest(|past| conflict(past, &new))
    }

    /// The last submissions that access the buffer at all.
    pub(crate) fn last_use(&self) -> QueueSeqs {
        self.latest(|_| true)
    }

    fn latest(&self, wanted: impl Fn(&Access) -> bool) -> QueueSeqs {
        let mut seqs = QueueSeqs::default();
        for past in self.past.iter().filter(|p| wanted(&p.access)) {
            let number = &mut seqs[past.at.queue as usize];
            *number = (*number).max(past.at.submission);
        }
        seqs
    }

    /// Remembers an access in a queue whose barriers are `state`. Forgets the accesses that are done, and those that the new one replaces.
    #[inline(always)]
    pub(crate) fn record(&mut self, new: &Access, at: TimelinePoint, state: &BarrierState, done: impl Fn(usize) -> u64) {
        // The usual case: the same access again.
        match self.past.as_mut_slice() {
            [past] if past.access == *new && past.at.queue == at.queue => past.at = at,
            _ => self.remember(new.clone(), at, state, done),
        }
    }

    #[inline(never)]
    fn remember(&mut self, new: Access, at: TimelinePoint, state: &BarrierState, done: impl Fn(usize) -> u64) {
        if new.range.is_empty() {
            return;
        }
        if let [before @ .., last] = self.past.as_mut_slice() {
            if before.is_empty() && covers(&new, at.queue, last) {
                *last = Past { access: new, at };
                return;
            }
            if extends(&new, at, last, state) {
                let (start, end) = (last.access.range.start.min(new.range.start), last.access.range.end.max(new.range.end));
                *last = Past { access: Access { range: start..end, ..new }, at };
                return;
            }
        }
        self.past.retain(|past: &mut Past| !covers(&new, at.queue, past) && past.at.submission > done(past.at.queue as usize));
        if self.past.len() >= MAX_PAST {
            self.merge();
        }
        self.past.push(Past { access: new, at });
    }

    /// Leaves one entry for each queue, stage and kind of access, over the hull of their ranges and at the latest of their points.
    fn merge(&mut self) {
        let mut merged: SmallVec<[Past; 2]> = SmallVec::new();
        for past in self.past.drain(..) {
            let same = |m: &&mut Past| {
                m.at.queue == past.at.queue
                    && m.access.stage == past.access.stage
                    && m.access.write == past.access.write
                    && m.access.unordered == past.access.unordered
            };
            match merged.iter_mut().find(same) {
                Some(m) => {
                    m.access.range = m.access.range.start.min(past.access.range.start)..m.access.range.end.max(past.access.range.end);
                    m.at.sequence = m.at.sequence.max(past.at.sequence);
                    m.at.submission = m.at.submission.max(past.at.submission);
                }
                None => merged.push(past),
            }
        }
        self.past = merged;
    }
}

#[inline]
fn conflict(past: &Access, new: &Access) -> bool {
    (past.write || new.write) && !(past.unordered && new.unordered) && overlap(&past.range, &new.range)
}

/// True if `new` may replace `past`: whatever conflicts with `past` conflicts with `new` too, and by waiting for `new` it waits for `past`.
/// That holds for a write over all its bytes, which was ordered after it, and for a later access of the same queue and kind over all its
/// bytes. An unordered write replaces no access of another kind, because other unordered writes do not wait for it.
#[inline]
fn covers(new: &Access, queue: u8, past: &Past) -> bool {
    let inside = new.range.start <= past.access.range.start && past.access.range.end <= new.range.end;
    let same_kind = || {
        past.at.queue == queue && past.access.stage == new.stage && past.access.write == new.write && past.access.unordered == new.unordered
    };
    inside && ((new.write && !new.unordered) || same_kind())
}

/// True if `new` is the same kind of access as the last one, to adjacent bytes, and neither a barrier nor a submission came between them.
/// Then one entry stands for both and is true of each.
#[inline]
fn extends(new: &Access, at: TimelinePoint, last: &Past, state: &BarrierState) -> bool {
    let access = &last.access;
    access.range.end >= new.range.start
        && new.range.end >= access.range.start
        && last.at.submission == at.submission
        && last.at.queue == at.queue
        && (access.stage, access.write, access.unordered) == (new.stage, new.write, new.unordered)
        && state.is_fresh(access.stage, last.at.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: QueueSeqs = [0; MAX_QUEUES];

    /// An access that is not by commuting atomics.
    fn used(range: Range<u64>, stage: Stage, write: bool) -> Access {
        Access { range, stage, write, unordered: false }
    }

    fn at(queue: u8, sequence: u64, submission: u64) -> TimelinePoint {
        TimelinePoint { queue, sequence, submission }
    }

    struct Queue {
        state: BarrierState,
        history: History,
        barriers: usize,
    }

    impl Queue {
        fn new() -> Queue {
            Queue { state: BarrierState::default(), history: History::default(), barriers: 0 }
        }

        /// Runs one access as the scheduler does. Returns the stages that it waited for.
        fn run(&mut self, range: Range<u64>, stage: Stage, write: bool) -> Stages {
            self.run_as(Access { range, stage, write, unordered: false })
        }

        fn run_as(&mut self, new: Access) -> Stages {
            let mut conflicts = Conflicts::default();
            self.history.conflicts(&new, 0, &self.state, |_| 0, &mut conflicts);
            assert_eq!(conflicts.queues, NONE);
            assert_eq!(self.history.trivial_conflict(&new, 0, 0, &self.state), Some(conflicts.stages), "both ways say the same");
            if !conflicts.stages.is_empty() {
                self.state.barrier(conflicts.stages, new.stage.into());
                self.barriers += 1;
            }
            let at = TimelinePoint { queue: 0, sequence: self.state.next(), submission: 1 };
            self.history.record(&new, at, &self.state, |_| 0);
            conflicts.stages
        }
    }

    #[test]
    fn a_chain_of_dependent_kernels_gets_one_barrier_each() {
        let mut q = Queue::new();
        for _ in 0..100 {
            q.run(0..256, Stage::Compute, true);
        }
        assert_eq!(q.barriers, 99);
        assert_eq!(q.history.past.len(), 1);
    }

    #[test]
    fn reads_and_disjoint_writes_get_none() {
        let mut q = Queue::new();
        for i in 0..20 {
            q.run(i * 16..i * 16 + 16, Stage::Compute, true);
        }
        assert_eq!(q.barriers, 0);
        let src = q.run(0..1024, Stage::Compute, false);
        assert_eq!(src, Stages::from(Stage::Compute));
        for _ in 0..20 {
            q.run(0..1024, Stage::Compute, false);
        }
        assert_eq!(q.barriers, 1);
    }

    #[test]
    fn neighbours_are_remembered_as_one_until_a_barrier_tells_them_apart() {
        let mut q = Queue::new();
        for i in 0..1000 {
            q.run(i * 16..i * 16 + 16, Stage::Compute, true);
        }
        assert_eq!((q.barriers, q.history.past.len()), (0, 1));
        assert_eq!(q.run(0..16, Stage::Compute, false), Stages::from(Stage::Compute));
        q.run(16000..16016, Stage::Compute, true);
        assert!(q.run(160..176, Stage::Compute, false).is_empty(), "written before the barrier");
        assert_eq!(q.run(16000..16004, Stage::Compute, false), Stages::from(Stage::Compute), "and this behind it");
    }

    #[test]
    fn uniform_reads_are_told_apart() {
        let mut q = Queue::new();
        q.run(0..16, Stage::Compute, true);
        assert_eq!(q.run(0..16, Stage::Compute, false), Stages::from(Stage::Compute));
        assert_eq!(
            q.run(0..16, Stage::Uniform, false),
            Stages::from(Stage::Compute),
            "the barrier before did not make the write visible to it"
        );
        assert!(q.run(0..16, Stage::Uniform, false).is_empty());
        let mut both = Stages::from(Stage::Compute);
        both.insert(Stages::from(Stage::Uniform));
        assert_eq!(q.run(0..16, Stage::Compute, true), both);
    }

    #[test]
    fn a_barrier_serves_every_buffer_but_only_its_stages() {
        let mut q = Queue::new();
        q.run(0..16, Stage::Transfer, true);
        q.run(16..32, Stage::Transfer, true);
        assert_eq!(q.run(0..16, Stage::Compute, false), Stages::from(Stage::Transfer));
        assert!(q.run(16..32, Stage::Compute, false).is_empty(), "the barrier before covered this write");
        assert_eq!(q.run(16..32, Stage::Transfer, true), {
            let mut s = Stages::from(Stage::Transfer);
            s.insert(Stages::from(Stage::Compute));
            s
        });
    }

    #[test]
    fn a_write_after_a_read_waits_for_the_read() {
        let mut q = Queue::new();
        q.run(0..16, Stage::Compute, false);
        assert_eq!(q.run(8..9, Stage::Compute, true), Stages::from(Stage::Compute));
    }

    #[test]
    fn the_host_waits_only_for_what_conflicts() {
        let mut h = History::default();
        h.record(&used(0..16, Stage::Compute, false), at(0, 1, 5), &BarrierState::default(), |_| 0);
        h.record(&used(32..48, Stage::Compute, true), at(1, 2, 7), &BarrierState::default(), |_| 0);
        assert_eq!(h.last_conflict(&(0..16), false), NONE);
        assert_eq!(h.last_conflict(&(0..16), true), [5, 0, 0, 0]);
        assert_eq!(h.last_conflict(&(40..41), false), [0, 7, 0, 0]);
        assert_eq!(h.last_use(), [5, 7, 0, 0]);
    }

    #[test]
    fn finished_uses_are_forgotten_and_many_are_merged() {
        let mut h = History::default();
        for i in 0..1000u64 {
            h.record(&used(i * 8..i * 8 + 4, Stage::Compute, i % 2 == 0), at(0, i + 1, 3), &BarrierState::default(), |queue| {
                [2, 0, 0, 0][queue]
            });
        }
        assert!(h.past.len() <= MAX_PAST);
        let state = BarrierState::default();
        for i in 0..1000u64 {
            let mut conflicts = Conflicts::default();
            h.conflicts(&used(i * 8..i * 8 + 4, Stage::Compute, true), 0, &state, |_| 0, &mut conflicts);
            assert!(!conflicts.stages.is_empty(), "no use may be lost by merging");
        }
        h.record(&used(0..1, Stage::Compute, false), at(0, 2000, 9), &BarrierState::default(), |queue| [3, 0, 0, 0][queue]);
        assert_eq!(h.past.len(), 1);
    }

    #[test]
    fn another_lane_is_waited_for_unless_it_is_done() {
        let mut h = History::default();
        let state = BarrierState::default();
        h.record(&used(0..16, Stage::Compute, true), at(1, 1, 5), &BarrierState::default(), |_| 0);
        h.record(&used(16..32, Stage::Transfer, false), at(2, 1, 6), &BarrierState::default(), |_| 0);
        let conflicts = |write, done: QueueSeqs| {
            let mut conflicts = Conflicts::default();
            h.conflicts(&used(8..24, Stage::Compute, write), 0, &state, |queue| done[queue], &mut conflicts);
            assert!(conflicts.stages.is_empty());
            conflicts.queues
        };
        assert_eq!(conflicts(true, NONE), [0, 5, 6, 0]);
        assert_eq!(conflicts(false, NONE), [0, 5, 0, 0]);
        assert_eq!(conflicts(true, [9, 5, 0, 0]), [0, 0, 6, 0]);
        let new = used(8..24, Stage::Compute, true);
        assert_eq!(h.trivial_conflict(&new, 1, 4, &state), None, "a submission of queue 2 is in the way");
        let only = used(0..16, Stage::Compute, true);
        assert_eq!(h.trivial_conflict(&only, 1, 4, &state), Some(Stages::from(Stage::Compute)));
        assert_eq!(h.trivial_conflict(&only, 1, 5, &state), Some(Stages::default()), "done");
    }

    #[test]
    fn a_write_that_waited_for_another_lane_stands_for_its_uses() {
        let mut h = History::default();
        h.record(&used(0..16, Stage::Compute, true), at(1, 1, 5), &BarrierState::default(), |_| 0);
        h.record(&used(0..16, Stage::Compute, true), at(0, 1, 6), &BarrierState::default(), |_| 0);
        assert_eq!(h.last_use(), [6, 0, 0, 0]);
    }

    #[test]
    fn unordered_atomics_commute_and_are_not_forgotten() {
        let mut q = Queue::new();
        let atomics = || Access { range: 0..64, stage: Stage::Compute, write: true, unordered: true };
        for _ in 0..10 {
            assert!(q.run_as(atomics()).is_empty());
        }
        assert_eq!(q.run(0..4, Stage::Compute, false), Stages::from(Stage::Compute), "a plain read waits for them");
        assert_eq!(q.run_as(atomics()), Stages::from(Stage::Compute), "and they for it");
        // Atomics after a plain read do not replace it: a third access must wait for the read too.
        let mut h = History::default();
        h.record(&used(0..16, Stage::Indirect, false), at(0, 1, 3), &BarrierState::default(), |_| 0);
        h.record(&atomics(), at(0, 2, 3), &BarrierState::default(), |_| 0);
        let mut conflicts = Conflicts::default();
        h.conflicts(&atomics(), 1, &BarrierState::default(), |_| 0, &mut conflicts);
        assert_eq!(conflicts.queues, [3, 0, 0, 0]);
        // The atomics of a second queue over the same bytes do not replace those of the first.
        let mut h = History::default();
        h.record(&atomics(), at(0, 1, 3), &BarrierState::default(), |_| 0);
        h.record(&atomics(), at(1, 1, 4), &BarrierState::default(), |_| 0);
        assert_eq!(h.last_conflict(&(0..4), false), [3, 4, 0, 0]);
    }

    /// Random accesses against the definition: between every two conflicting commands there is a barrier of their stages.
    #[test]
    fn random_uses_are_ordered_by_the_definition() {
        let has = |stages: Stages, stage: Stage| stages.numbers().any(|number| number == stage as usize);
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        let mut random = move |n: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % n
        };
        for _ in 0..200 {
            let mut q = Queue::new();
            let mut commands: Vec<Access> = Vec::new();
            let mut barriers: Vec<(usize, Stages, Stages)> = Vec::new();
            for i in 0..60 {
                let start = random(64);
                let stage = [Stage::Compute, Stage::Transfer, Stage::Uniform][random(3) as usize];
                let new = used(start..start + 1 + random(16), stage, stage != Stage::Uniform && random(3) == 0);
                let src = q.run(new.range.clone(), new.stage, new.write);
                if !src.is_empty() {
                    barriers.push((i, src, new.stage.into()));
                }
                for (j, old) in commands.iter().enumerate().filter(|(_, old)| conflict(old, &new)) {
                    // They are ordered directly, or through commands in between. Follow the barriers from j to i.
                    let mut reached = Stages::from(old.stage);
                    for (_, src, dst) in barriers.iter().filter(|(at, ..)| *at > j && *at <= i) {
                        if Stage::ALL.into_iter().any(|stage| has(*src, stage) && has(reached, stage)) {
                            reached.insert(*dst);
                        }
                    }
                    let direct = barriers.iter().any(|(at, src, dst)| *at > j && *at <= i && has(*src, old.stage) && has(*dst, new.stage));
                    let chained = commands[j + 1..].iter().any(|mid| mid.write && conflict(mid, &used(old.range.clone(), old.stage, true)))
                        && has(reached, new.stage);
                    assert!(direct || chained, "command {i} {new:?} is not ordered behind {j} {old:?}");
                }
                commands.push(new);
            }
        }
    }
}
