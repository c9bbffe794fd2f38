//! What the scheduler knows of a stream.

use super::failures::Failures;
use super::hazard::{QueueSeqs, seqs_of};
use crate::runtime::base::name::Name;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// See the module.
pub(crate) struct StreamState {
    /// No other stream ever gets the same.
    pub(crate) id: u64,
    pub(crate) queue: u8,
    /// The last submission that carries work of the stream.
    last: AtomicU64,
    pub(crate) label: Name,
    /// The failures of the stream's work, for the records of events.
    pub(crate) failures: Failures,
}

impl AsRef<Failures> for StreamState {
    fn as_ref(&self) -> &Failures {
        &self.failures
    }
}

impl StreamState {
    /// `default` is the name of a stream without a label.
    pub(crate) fn new(queue: u8, label: Option<&str>, default: Option<&str>) -> Arc<StreamState> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let id = IDS.fetch_add(1, Ordering::Relaxed) + 1;
        let label = Name::new(label, default.unwrap_or(&format!("stream {id}")));
        Arc::new(StreamState { id, queue, last: AtomicU64::new(0), label, failures: Failures::default() })
    }

    /// The state of a device's default stream.
    pub(crate) fn of_default() -> Arc<StreamState> {
        StreamState::new(0, None, Some("default stream"))
    }

    /// Notes that submission `number` carries work of the stream. Called under the scheduler's lock.
    pub(crate) fn used(&self, number: u64) {
        self.last.store(number, Ordering::Relaxed);
    }

    /// The last submission that carries work of the stream. 0: there is none yet.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// `last`, as the submissions to wait for.
    pub(crate) fn seqs(&self) -> QueueSeqs {
        seqs_of(self.queue, self.last())
    }
}
