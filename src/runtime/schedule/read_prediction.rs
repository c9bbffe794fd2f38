//! A program that queues a kernel and at once reads its result: the two are better off in one submission.
//!
//! Work on an idle device goes at once. A read that follows makes a submission of its own, which costs the device and the host
//! some 6 us that a kernel of a few microseconds does not win back. So where that was how it went several times in a row, the next kernel is
//! held back for the read that is expected. If none comes, the tail thread sends the kernel within half a millisecond, and the
//! habit is forgotten.

use std::time::{Duration, Instant};

/// So many reads in a row make a habit.
const MIN_READS: u8 = 4;
/// A read within so long might as well have come along.
const MAX_DELAY: Duration = Duration::from_micros(10);

/// What was seen of one queue. Times come from the caller.
#[derive(Debug, Default)]
pub(crate) struct ReadPrediction {
    /// Reads that followed at once, in a row.
    times: u8,
    /// When the last work could have gone at once, and whether it was held back.
    last: Option<(Instant, bool)>,
}

impl ReadPrediction {
    /// Work could go at once, now: whether to hold it back.
    pub(crate) fn defer_submit(&mut self, now: Instant) -> bool {
        let held = self.times >= MIN_READS;
        self.last = Some((now, held));
        held
    }

    /// A read has come to the queue.
    pub(crate) fn read(&mut self, now: Instant) {
        if let Some((then, _)) = self.last.take() {
            self.times = if now.saturating_duration_since(then) <= MAX_DELAY { (self.times + 1).min(MIN_READS) } else { 0 };
        }
    }

    /// A batch goes. If it was held back, and no read has come, it was so in vain.
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
        assert!(prediction.defer_submit(at(2000)), "the read came, and the habit stays");
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
