//! What must wait for what: pure data, no GPU.
//!
//! Every command of a queue has a sequence number. A buffer remembers the uses that still matter ([`History`]); the queue
//! remembers which pairs of stages its barriers have already ordered, and up to which command ([`Order`]). A new use conflicts
//! with an old one where they share bytes and one of them writes; it needs a barrier only if no barrier since the old use has
//! ordered the two stages. So independent commands get none, and a chain of dependent ones gets exactly one each.

use std::ops::Range;

/// Where in the pipeline a command touches memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A kernel.
    Compute = 0,
    /// A copy or fill command.
    Transfer = 1,
}

/// A set of stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stages(u8);

impl Stages {
    pub(crate) const COMPUTE: Stages = Stages(1);
    pub(crate) const TRANSFER: Stages = Stages(2);

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn contains(self, other: Stages) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn insert(&mut self, other: Stages) {
        self.0 |= other.0;
    }
}

impl From<Stage> for Stages {
    fn from(stage: Stage) -> Stages {
        match stage {
            Stage::Compute => Stages::COMPUTE,
            Stage::Transfer => Stages::TRANSFER,
        }
    }
}

const STAGES: [Stage; 2] = [Stage::Compute, Stage::Transfer];

/// One use of a buffer's bytes by one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) range: Range<u64>,
    pub(crate) stage: Stage,
    pub(crate) write: bool,
}

/// When a command runs: its sequence number in the queue, and the number of the submission that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) sequence: u64,
    pub(crate) submission: u64,
}

/// What the barriers recorded so far have ordered.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The last sequence number given out.
    sequence: u64,
    /// `ordered[a][b]`: commands of stage a up to this number happen before, and are visible to, later ones of stage b.
    ordered: [[u64; STAGES.len()]; STAGES.len()],
}

impl Order {
    /// The number of the next command.
    pub(crate) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// A barrier from `src` to `dst` stands here.
    pub(crate) fn barrier(&mut self, src: Stages, dst: Stages) {
        for a in STAGES.into_iter().filter(|s| src.contains((*s).into())) {
            for b in STAGES.into_iter().filter(|s| dst.contains((*s).into())) {
                self.ordered[a as usize][b as usize] = self.sequence;
            }
        }
    }

    fn is_ordered(&self, before: &Past, stage: Stage) -> bool {
        self.ordered[before.of.stage as usize][stage as usize] >= before.at.sequence
    }
}

#[derive(Clone, Debug)]
struct Past {
    of: Use,
    at: Point,
}

/// The uses of one buffer that a later use may conflict with.
#[derive(Debug, Default)]
pub(crate) struct History {
    past: Vec<Past>,
}

/// More remembered uses than this are merged, which may order more than needed and never less.
const MAX_PAST: usize = 32;

impl History {
    /// The stages that a barrier must wait for before `new` may run.
    pub(crate) fn conflicts(&self, new: &Use, order: &Order) -> Stages {
        let mut stages = Stages::default();
        for past in &self.past {
            if conflict(&past.of, &new.range, new.write) && !order.is_ordered(past, new.stage) {
                stages.insert(past.of.stage.into());
            }
        }
        stages
    }

    /// The last submission that the host must wait for before it reads, or writes, the range itself.
    pub(crate) fn last_conflict(&self, range: &Range<u64>, write: bool) -> u64 {
        self.past.iter().filter(|p| conflict(&p.of, range, write)).map(|p| p.at.submission).max().unwrap_or(0)
    }

    /// The last submission that uses the buffer at all.
    pub(crate) fn last_use(&self) -> u64 {
        self.past.iter().map(|p| p.at.submission).max().unwrap_or(0)
    }

    /// Remembers a use; forgets those up to submission `done`, and those that the new one stands for.
    pub(crate) fn record(&mut self, new: Use, at: Point, done: u64) {
        if new.range.is_empty() {
            return;
        }
        self.past.retain(|past| past.at.submission > done && !covers(&new, past));
        if self.past.len() >= MAX_PAST {
            self.merge();
        }
        self.past.push(Past { of: new, at });
    }

    /// One entry for each stage and kind of access, over the hull of their ranges, at the latest of their points.
    fn merge(&mut self) {
        let mut merged: Vec<Past> = Vec::with_capacity(4);
        for past in self.past.drain(..) {
            match merged.iter_mut().find(|m| m.of.stage == past.of.stage && m.of.write == past.of.write) {
                Some(m) => {
                    m.of.range = m.of.range.start.min(past.of.range.start)..m.of.range.end.max(past.of.range.end);
                    m.at.sequence = m.at.sequence.max(past.at.sequence);
                    m.at.submission = m.at.submission.max(past.at.submission);
                }
                None => merged.push(past),
            }
        }
        self.past = merged;
    }
}

fn conflict(past: &Use, range: &Range<u64>, write: bool) -> bool {
    (past.write || write) && past.range.start < range.end && range.start < past.range.end
}

/// True if whoever conflicts with `past` conflicts with `new` too and, waiting for `new`, waits for `past`: a write over all its
/// bytes (it was ordered behind it), or a read at the same stage over all the bytes of a read.
fn covers(new: &Use, past: &Past) -> bool {
    let inside = new.range.start <= past.of.range.start && past.of.range.end <= new.range.end;
    inside && (new.write || (!past.of.write && past.of.stage == new.stage))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Queue {
        order: Order,
        history: History,
        barriers: usize,
    }

    impl Queue {
        fn new() -> Queue {
            Queue { order: Order::default(), history: History::default(), barriers: 0 }
        }

        /// Runs one use as the engine does; returns the stages it waited for.
        fn run(&mut self, range: Range<u64>, stage: Stage, write: bool) -> Stages {
            let new = Use { range, stage, write };
            let src = self.history.conflicts(&new, &self.order);
            if !src.is_empty() {
                self.order.barrier(src, stage.into());
                self.barriers += 1;
            }
            let at = Point { sequence: self.order.next(), submission: 1 };
            self.history.record(new, at, 0);
            src
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
        assert_eq!(src, Stages::COMPUTE);
        for _ in 0..20 {
            q.run(0..1024, Stage::Compute, false);
        }
        assert_eq!(q.barriers, 1);
    }

    #[test]
    fn a_barrier_serves_every_buffer_but_only_its_stages() {
        let mut q = Queue::new();
        q.run(0..16, Stage::Transfer, true);
        q.run(16..32, Stage::Transfer, true);
        assert_eq!(q.run(0..16, Stage::Compute, false), Stages::TRANSFER);
        assert!(q.run(16..32, Stage::Compute, false).is_empty(), "the barrier before covered this write");
        assert_eq!(q.run(16..32, Stage::Transfer, true), {
            let mut s = Stages::TRANSFER;
            s.insert(Stages::COMPUTE);
            s
        });
    }

    #[test]
    fn a_write_after_a_read_waits_for_the_read() {
        let mut q = Queue::new();
        q.run(0..16, Stage::Compute, false);
        assert_eq!(q.run(8..9, Stage::Compute, true), Stages::COMPUTE);
    }

    #[test]
    fn the_host_waits_only_for_what_conflicts() {
        let mut h = History::default();
        h.record(Use { range: 0..16, stage: Stage::Compute, write: false }, Point { sequence: 1, submission: 5 }, 0);
        h.record(Use { range: 32..48, stage: Stage::Compute, write: true }, Point { sequence: 2, submission: 7 }, 0);
        assert_eq!(h.last_conflict(&(0..16), false), 0);
        assert_eq!(h.last_conflict(&(0..16), true), 5);
        assert_eq!(h.last_conflict(&(40..41), false), 7);
        assert_eq!(h.last_use(), 7);
    }

    #[test]
    fn finished_uses_are_forgotten_and_many_are_merged() {
        let mut h = History::default();
        for i in 0..1000u64 {
            h.record(
                Use { range: i * 8..i * 8 + 4, stage: Stage::Compute, write: i % 2 == 0 },
                Point { sequence: i + 1, submission: 3 },
                2,
            );
        }
        assert!(h.past.len() <= MAX_PAST);
        let order = Order::default();
        for i in 0..1000u64 {
            let again = Use { range: i * 8..i * 8 + 4, stage: Stage::Compute, write: true };
            assert!(!h.conflicts(&again, &order).is_empty(), "no use may be lost by merging");
        }
        h.record(Use { range: 0..1, stage: Stage::Compute, write: false }, Point { sequence: 2000, submission: 9 }, 3);
        assert_eq!(h.past.len(), 1);
    }

    /// Random uses against the definition: every pair of conflicting commands has a barrier of their stages between them.
    #[test]
    fn random_uses_are_ordered_by_the_definition() {
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        let mut random = move |n: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % n
        };
        for _ in 0..200 {
            let mut q = Queue::new();
            let mut commands: Vec<Use> = Vec::new();
            let mut barriers: Vec<(usize, Stages, Stages)> = Vec::new();
            for i in 0..60 {
                let start = random(64);
                let new = Use { range: start..start + 1 + random(16), stage: STAGES[random(2) as usize], write: random(3) == 0 };
                let src = q.run(new.range.clone(), new.stage, new.write);
                if !src.is_empty() {
                    barriers.push((i, src, new.stage.into()));
                }
                for (j, old) in commands.iter().enumerate().filter(|(_, old)| conflict(old, &new.range, new.write)) {
                    // Ordered directly, or through commands in between that were: walk the barriers from j to i.
                    let mut reached = Stages::from(old.stage);
                    for (_, src, dst) in barriers.iter().filter(|(at, ..)| *at > j && *at <= i) {
                        if STAGES.iter().any(|s| src.contains((*s).into()) && reached.contains((*s).into())) {
                            reached.insert(*dst);
                        }
                    }
                    let direct = barriers
                        .iter()
                        .any(|(at, src, dst)| *at > j && *at <= i && src.contains(old.stage.into()) && dst.contains(new.stage.into()));
                    let chained = commands[j + 1..].iter().any(|mid| mid.write && conflict(mid, &old.range, true))
                        && reached.contains(new.stage.into());
                    assert!(direct || chained, "command {i} {new:?} is not ordered behind {j} {old:?}");
                }
                commands.push(new);
            }
        }
    }
}
