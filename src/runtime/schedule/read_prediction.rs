//! Predicts whether a read follows a kernel at once, so that both go in one submission.
//!
//! Work for an idle device is submitted at once. A read that follows makes a submission of its own, which costs the device and the host
//! some 6 us. A kernel of a few microseconds does not win that back. So if reads have followed at once several times in a row, the next
//! kernel is held back for the read that is expected. If no read comes, the flush thread submits the kernel within half a millisecond, and
//! the prediction starts anew.

use std::time::{Duration, Instant};

/// The number of reads in a row from which on a read is expected.
const MIN_READS: u8 = 4;
/// A read that comes within this time could have been in the same submission.
const MAX_DELAY: Duration = Duration::from_micros(10);

/// What was seen of one queue. The caller passes the times.
#[derive(Debug, Default)]
pub(crate) struct ReadPrediction {
    /// The number of reads in a row that followed at once.
    times: u8,
    /// When work could last have been submitted at once, and whether it was held back.
    last: Option<(Instant, bool)>,
}

impl ReadPrediction {
    /// Work could be submitted now. True if it is to be held back.
    pub(crate) fn defer_submit(&mut self, now: Instant) -> bool {
        let held = self.times >= MIN_READS;
        self.last = Some((now, held));
        held
    }

    /// A read came to the queue.
    pub(crate) fn read(&mut self, now: Instant) {
        if let Some((then, _)) = self.last.take() {
            self.times = if now.saturating_duration_since(then) <= MAX_DELAY { (self.times + 1).min(MIN_READS) } else { 0 };
        }
    }

    /// A batch is submitted. If it was held back and no read came, the prediction was wrong.
    pub(crate) fn submitted(&mut self) {
        if let Some((_, true)) = self.last {
            *self = ReadPrediction::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_held_back_after_reads_that_followed_at_once() {
        let (mut prediction, start) = (ReadPrediction::default(), Instant::now());
        let at = |us: u64| start + Duration::from_micros(us);
        for i in 0..u64::from(MIN_READS) {
            assert!(!prediction.defer_submit(at(i * 100)));
            prediction.submitted();
            prediction.read(at(i * 100 + 2));
        }
        assert!(prediction.defer_submit(at(1000)));
        prediction.read(at(1002));
        prediction.submitted();
        assert!(prediction.defer_submit(at(2000)), "the read came, and the prediction stays");
        prediction.submitted();
        assert!(!prediction.defer_submit(at(3000)), "none came");
    }

    #[test]
    fn a_late_read_ends_it() {
        let (mut prediction, start) = (ReadPrediction { times: MIN_READS, last: None }, Instant::now());
        assert!(prediction.defer_submit(start));
        prediction.read(start + Duration::from_micros(50));
        assert!(!prediction.defer_submit(start + Duration::from_micros(100)));
        prediction.submitted();
        prediction.read(start + Duration::from_micros(300));
        assert!(!prediction.defer_submit(start + Duration::from_micros(400)));
    }
}
