//! What is known of one queue: what is being recorded for it, the barriers of its commands, and what it has waited for.

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
    /// The number that the submission got when the batch was begun.
    pub(crate) number: u64,
    pub(crate) count: u32,
    /// The stages that wrote memory which the host reads.
    pub(crate) host_writes: Stages,
    /// The submissions of other queues that the batch starts after. All of them have been submitted.
    pub(crate) waits: SmallVec<[(u8, u64); 4]>,
    /// A thread that waits for the batch will submit it (see `group_commit.rs`).
    pub(crate) has_leader: bool,
    /// The streams whose work the batch carries.
    pub(crate) streams: SmallVec<[Arc<StreamState>; 4]>,
}

/// See the module.
pub(crate) struct QueueState {
    pub(crate) vulkan: Queue,
    pub(crate) open: Option<OpenBatch>,
    pub(crate) barriers: BarrierState,
    /// For each other queue, the submission that everything recorded here from now on starts after.
    pub(crate) waited: QueueSeqs,
    /// A batch of so many commands goes to an idle device at once. The number grows with each batch that does, because a submission costs
    /// more than a command. It is 1 again once the host waits for something.
    pub(crate) min_batch: u32,
    /// Whether reads follow at once.
    pub(crate) read_prediction: ReadPrediction,
    /// The stage in which the last command accessed memory.
    pub(crate) last_stage: Option<Stage>,
    /// A batch did not reach the device. The first barrier of the next batch orders what the lost one would have ordered.
    pub(crate) batch_was_lost: bool,
    /// Which kernels went into which submission, for the error message of a lost device.
    kernels: VecDeque<(u64, Arc<str>)>,
}

/// A batch of more commands is not held back from an idle device. The submission costs as much as recording eight commands.
const MAX_MIN_BATCH: u32 = 128;
/// The most kernels that are remembered for the error message of a lost device.
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

    /// The last submission that is known to be done. If nothing is recorded or in flight here, it is `last`, the last number that was given
    /// out: a number that is neither recorded nor in flight did not reach the device.
    pub(crate) fn done(&self, last: u64) -> u64 {
        let done = self.vulkan.completion().done();
        if self.open.is_none() && done >= self.vulkan.submitted() { last } else { done }
    }

    /// Notes that a batch went to an idle device and no thread waits for it.
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

    /// The kernels that are not known to be done.
    pub(crate) fn kernels_in_flight(&self) -> impl Iterator<Item = &str> {
        let done = self.vulkan.completion().done();
        self.kernels.iter().filter(move |(n, _)| *n > done).map(|(_, name)| &**name)
    }
}
