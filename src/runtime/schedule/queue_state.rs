//! A queue: one queue with what is being recorded for it, the order of its commands, and what it has waited for.

use super::hazard::{BarrierState, QueueSeqs, Stage, Stages};
use super::read_prediction::ReadPrediction;
use super::stream_state::StreamState;
use crate::vulkan::{Commands, Queue};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;

/// A batch that is being recorded.
pub(crate) struct OpenBatch {
    pub(crate) commands: Commands,
    /// Given out when it was begun.
    pub(crate) number: u64,
    pub(crate) count: u32,
    /// Stages that wrote memory which the host reads.
    pub(crate) host_writes: Stages,
    /// Submissions of other queues that it starts after. All of them have been submitted.
    pub(crate) waits: SmallVec<[(u8, u64); 4]>,
    /// A thread that waits for it will submit it (see `group_commit.rs`).
    pub(crate) has_leader: bool,
    /// Whose work it carries.
    pub(crate) streams: SmallVec<[Arc<StreamState>; 4]>,
}

/// See the module.
pub(crate) struct QueueState {
    pub(crate) vulkan: Queue,
    pub(crate) open: Option<OpenBatch>,
    pub(crate) barriers: BarrierState,
    /// For each other queue, the submission that all that is recorded here from now on starts after.
    pub(crate) waited: QueueSeqs,
    /// So many commands make a batch that goes at once to an idle device. It grows with each batch that does so, because a submission
    /// costs more than a command, and is 1 again once the host waits for something.
    pub(crate) min_batch: u32,
    /// Whether reads follow at once.
    pub(crate) read_prediction: ReadPrediction,
    /// Where the last command touched memory.
    pub(crate) last_stage: Option<Stage>,
    /// A batch did not reach the device: what it would have ordered is ordered by the next one's first barrier.
    pub(crate) batch_was_lost: bool,
    /// Which kernels went into which submission, for the story of a lost device.
    kernels: VecDeque<(u64, Arc<str>)>,
}

/// Batches over so many commands are not held back from an idle device: the submission costs as much as recording eight of them.
const MAX_MIN_BATCH: u32 = 128;
/// Kernels that are remembered for the story of a lost device.
const MAX_KERNELS: usize = 1024;

impl QueueState {
    pub(crate) fn new(vulkan: Queue) -> QueueState {
        QueueState {
            vulkan,
            open: None,
            barriers: BarrierState::default(),
            waited: QueueSeqs::default(),
            min_batch: 1,
            read_prediction: ReadPrediction::default(),
            last_stage: None,
            batch_was_lost: false,
            kernels: VecDeque::new(),
        }
    }

    /// The last submission that is known to be done; `last`, the last number given out, if nothing is recorded or in flight here: what
    /// had a number and is neither did not reach the device.
    pub(crate) fn done(&self, last: u64) -> u64 {
        let done = self.vulkan.completion().done();
        if self.open.is_none() && done >= self.vulkan.submitted() { last } else { done }
    }

    /// A batch went to an idle device with nobody waiting for it.
    pub(crate) fn raise_min_batch(&mut self) {
        self.min_batch = (self.min_batch * 4).min(MAX_MIN_BATCH);
    }

    /// Remembers that a kernel of this name is in submission `number`.
    pub(crate) fn note_kernel(&mut self, number: u64, name: &Arc<str>) {
        if self.kernels.len() >= MAX_KERNELS {
            self.kernels.pop_front();
        }
        self.kernels.push_back((number, name.clone()));
    }

    /// Forgets the kernels whose submissions are done.
    pub(crate) fn forget_kernels(&mut self) {
        let done = self.vulkan.completion().done();
        while self.kernels.front().is_some_and(|(n, _)| *n <= done) {
            self.kernels.pop_front();
        }
    }

    /// The kernels that were not known to be done.
    pub(crate) fn kernels_in_flight(&self) -> impl Iterator<Item = &str> {
        let done = self.vulkan.completion().done();
        self.kernels.iter().filter(move |(n, _)| *n > done).map(|(_, name)| &**name)
    }
}
