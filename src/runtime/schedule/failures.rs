//! Failures of queued work, and the callers that get them.
//!
//! A stream and a device return a failure once ([`UnreportedFailures`]). The record of an event keeps the first failure of the work before it
//! ([`Outcome`]) and returns it to every caller, until the event is recorded again. Neither uses up the other.
//!
//! The data is bounded. A stream keeps one failure that no caller got, a device keeps at most [`MAX_UNREPORTED`] of them, and a record keeps
//! one. Work that does not fail takes no lock and no memory here. The record of an event takes one of each.

use crate::runtime::base::error::{Error, Result};
use crate::runtime::base::lock::{Guard, Lock, rank};
use std::sync::{Arc, OnceLock, Weak};

/// The most streams of a device whose failures wait for a caller. Beyond it the oldest failure is dropped; its stream was mostly freed.
const MAX_UNREPORTED: usize = 1024;
/// The number of records that are kept before the first sweep for those that were dropped.
const FIRST_SWEEP: usize = 32;

/// Which records of a stream a failure concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Since {
    /// The records that were made after this many other records of the stream.
    Records(u64),
    /// The records in this submission and in later ones.
    Submission(u64),
}

/// Whether the work before the record of an event failed.
pub(crate) struct Outcome {
    /// The number of the record among the records of the stream.
    number: u64,
    submission: u64,
    failure: OnceLock<Arc<Error>>,
}

impl Outcome {
    /// The failure, if there is one.
    pub(crate) fn failure(&self) -> Option<&Arc<Error>> {
        self.failure.get()
    }

    fn is_concerned(&self, since: Since) -> bool {
        match since {
            Since::Records(count) => self.number > count,
            Since::Submission(number) => self.submission >= number,
        }
    }
}

/// The failures of one stream, as far as records of events are concerned.
#[derive(Default)]
pub(crate) struct Failures(Lock<State, { rank::FAILURES }>);

#[derive(Default)]
struct State {
    /// The last failure that no caller got. It also concerns records that are made later.
    unreported: Option<Arc<Error>>,
    /// How many records were made.
    count: u64,
    records: Vec<Weak<Outcome>>,
    /// Records that were dropped are swept out once there are this many records.
    sweep_at: usize,
}

impl Failures {
    fn state(&self) -> Guard<'_, State> {
        self.0.lock()
    }

    /// The number of records that were made. Work that is queued now concerns the records after them.
    pub(crate) fn records(&self) -> u64 {
        self.state().count
    }

    /// The outcome of a record that is made now, in this submission.
    pub(crate) fn record(&self, submission: u64) -> Arc<Outcome> {
        let mut state = self.state();
        state.count += 1;
        let failure = state.unreported.clone().map_or_else(OnceLock::new, OnceLock::from);
        let outcome = Arc::new(Outcome { number: state.count, submission, failure });
        if state.records.len() >= state.sweep_at.max(FIRST_SWEEP) {
            state.records.retain(|record| record.strong_count() > 0);
            state.sweep_at = state.records.len() * 2;
        }
        state.records.push(Arc::downgrade(&outcome));
        outcome
    }

    /// Notes that work of the stream failed.
    fn add(&self, failure: &Arc<Error>, since: Since) {
        let mut state = self.state();
        state.unreported.get_or_insert_with(|| failure.clone());
        for record in state.records.iter().filter_map(Weak::upgrade).filter(|record| record.is_concerned(since)) {
            let _first = record.failure.get_or_init(|| failure.clone());
        }
    }

    /// Notes that a caller got the failure, so it does not concern records that are made later.
    pub(crate) fn mark_reported(&self, failure: &Arc<Error>) {
        let mut state = self.state();
        if state.unreported.as_ref().is_some_and(|unreported| Arc::ptr_eq(unreported, failure)) {
            state.unreported = None;
        }
    }
}

/// The failures of a device's streams that no caller got yet: the first of each stream. `S` is the stream.
pub(crate) struct UnreportedFailures<S>(Vec<(Arc<S>, Arc<Error>)>);

impl<S> Default for UnreportedFailures<S> {
    fn default() -> Self {
        UnreportedFailures(Vec::new())
    }
}

impl<S: AsRef<Failures>> UnreportedFailures<S> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that work of a stream failed.
    pub(crate) fn add(&mut self, stream: &Arc<S>, failure: &Arc<Error>, since: Since) {
        stream.as_ref().as_ref().add(failure, since);
        if self.0.iter().any(|(other, _)| Arc::ptr_eq(other, stream)) {
            return;
        }
        if self.0.len() == MAX_UNREPORTED {
            self.0.remove(0);
        }
        self.0.push((stream.clone(), failure.clone()));
    }

    /// Returns the failure of a stream (of any stream, for `None`) that `which` picks, and forgets it.
    pub(crate) fn take(&mut self, stream: Option<&Arc<S>>, which: impl Fn(&Error) -> bool) -> Result<()> {
        let wanted = |of: &Arc<S>, failure: &Error| stream.is_none_or(|stream| Arc::ptr_eq(of, stream)) && which(failure);
        let Some(i) = self.0.iter().position(|(of, failure)| wanted(of, failure)) else { return Ok(()) };
        let (stream, failure) = self.0.remove(i);
        stream.as_ref().as_ref().mark_reported(&failure);
        Err(Error::clone(&failure))
    }

    /// Notes that a call on a stream (on the whole device, for `None`) returned `error`. If the error is one of these failures, its caller
    /// got it.
    pub(crate) fn mark_reported(&mut self, stream: Option<&Arc<S>>, error: &Error) {
        let is_reported = |of: &Arc<S>| stream.is_none_or(|stream| Arc::ptr_eq(of, stream));
        for (stream, failure) in self.0.extract_if(.., |(of, failure)| is_reported(of) && failure.message == error.message) {
            stream.as_ref().as_ref().mark_reported(&failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::base::error::Status;

    #[derive(Default)]
    struct Stream(Failures);

    impl AsRef<Failures> for Stream {
        fn as_ref(&self) -> &Failures {
            &self.0
        }
    }

    fn error(message: &str) -> Arc<Error> {
        Arc::new(Error::new(Status::Assertion, message))
    }

    fn message(outcome: &Outcome) -> Option<&str> {
        outcome.failure().map(|failure| failure.message.as_str())
    }

    fn taken(unreported: &mut UnreportedFailures<Stream>, stream: Option<&Arc<Stream>>) -> Option<String> {
        unreported.take(stream, |_| true).err().map(|e| e.message)
    }

    #[test]
    fn a_record_keeps_its_failure_and_the_stream_tells_it_once() {
        let (stream, mut unreported) = (Arc::new(Stream::default()), UnreportedFailures::default());
        let before = stream.0.record(1);
        let queued = stream.0.records();
        let behind = stream.0.record(1);
        unreported.add(&stream, &error("first"), Since::Records(queued));
        unreported.add(&stream, &error("second"), Since::Records(queued));
        assert_eq!((message(&before), message(&behind)), (None, Some("first")));
        assert_eq!(taken(&mut unreported, Some(&stream)).as_deref(), Some("first"));
        assert_eq!(taken(&mut unreported, Some(&stream)), None);
        assert_eq!(message(&behind), Some("first"), "the stream does not use it up");
        assert_eq!(message(&stream.0.record(2)), None, "a caller got it, so it does not concern later records");
    }

    #[test]
    fn a_record_that_is_told_leaves_the_stream_its_once() {
        let (stream, mut unreported) = (Arc::new(Stream::default()), UnreportedFailures::default());
        let record = stream.0.record(1);
        unreported.add(&stream, &error("lost"), Since::Submission(1));
        assert_eq!(message(&stream.0.record(2)), Some("lost"), "no caller got it yet");
        let reported = record.failure().unwrap();
        stream.0.mark_reported(reported);
        assert_eq!(message(&stream.0.record(3)), None);
        assert_eq!(taken(&mut unreported, None).as_deref(), Some("lost"));
    }

    #[test]
    fn one_batch_that_fails_is_told_by_each_of_its_streams() {
        let (a, b, mut unreported) = (Arc::new(Stream::default()), Arc::new(Stream::default()), UnreportedFailures::default());
        let (early, late) = (a.0.record(4), b.0.record(5));
        let failure = error("the batch");
        unreported.add(&a, &failure, Since::Submission(5));
        unreported.add(&b, &failure, Since::Submission(5));
        assert_eq!((message(&early), message(&late)), (None, Some("the batch")));
        unreported.mark_reported(Some(&a), &failure);
        assert_eq!(taken(&mut unreported, Some(&a)), None);
        assert_eq!(taken(&mut unreported, Some(&b)).as_deref(), Some("the batch"));
    }

    #[test]
    fn failures_that_no_caller_asks_for_stay_few() {
        let mut unreported = UnreportedFailures::default();
        let stream = Arc::new(Stream::default());
        for i in 0..10_000 {
            unreported.add(&stream, &error(&i.to_string()), Since::Records(0));
            unreported.add(&Arc::new(Stream::default()), &error(&i.to_string()), Since::Records(0));
            drop(stream.0.record(i));
        }
        assert_eq!(unreported.0.len(), MAX_UNREPORTED);
        assert!(stream.0.state().records.len() <= FIRST_SWEEP);
    }
}
