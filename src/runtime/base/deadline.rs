//! The end of a wait.

use super::error::{Error, Status};
use std::time::{Duration, Instant};

/// The time at which a wait of `timeout_ns` that begins now ends. `None`: it never ends.
pub(crate) fn deadline_after(timeout_ns: u64) -> Option<Instant> {
    if timeout_ns == u64::MAX { None } else { Instant::now().checked_add(Duration::from_nanos(timeout_ns)) }
}

/// The error of a wait that ended before the work did. With a timeout of 0 the caller only asked.
pub(crate) fn unfinished(timeout_ns: u64) -> Error {
    Error::not_yet(if timeout_ns == 0 { Status::NotReady } else { Status::Timeout })
}
