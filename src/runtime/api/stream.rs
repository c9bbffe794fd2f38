//! Streams: ordered sequences of work. Several streams may share a queue. The hazard plan orders their work there, as everywhere.

use crate::runtime::base::deadline::{deadline_after, unfinished};
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::Token;
use crate::runtime::device::guard::{self, DeviceGuard};
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::stream::destination;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Creates a stream.
pub(crate) fn create(device: Token, label: Option<&str>) -> Result<Token> {
    let device = guard::enter(device)?;
    device.lock().check()?;
    // The queues are given to streams in turn.
    let queue = device.streams_made.fetch_add(1, Ordering::Relaxed) % device.queue_count as u64;
    destination::name(&device, StreamState::new(queue as u8, label, None))
}

/// The live stream that the token names, with its device kept open. Fails for a stream that records; `what` names what it cannot do.
fn enter_live(token: Token, what: &str) -> Result<(DeviceGuard, Arc<StreamState>)> {
    let (device, _) = destination::enter(token)?;
    let stream = device.destination(token)?.live(what)?;
    Ok((device, stream))
}

/// Ends the handle of a stream. Its work goes on.
pub(crate) fn free(token: Token) -> Result<()> {
    let (device, _) = destination::enter(token)?;
    if device.default_stream_name.get() == Some(&token) {
        return Err(Error::new(Status::InvalidArgument, "the default stream lives as long as its device"));
    }
    // The flush thread submits what is held back, with or without the handle.
    destination::remove(token)
}

/// Waits for the work that was queued on the stream before. A timeout of 0 only asks.
pub(crate) fn synchronize(token: Token, timeout_ns: u64) -> Result<()> {
    let (device, stream) = enter_live(token, "a wait")?;
    let deadline = deadline_after(timeout_ns);
    let seqs = device.submit_or_join(&mut device.lock(), &stream, stream.seqs())?;
    if !device.wait(&seqs, deadline).map_err(|e| device.reason(&stream, e))? {
        return Err(unfinished(timeout_ns));
    }
    device.finish_wait(Some(&stream))
}

/// Whether all work that was queued on the stream is done.
pub(crate) fn status(token: Token) -> Result<()> {
    let (device, stream) = enter_live(token, "a question for its status")?;
    let seqs = {
        let mut scheduler = device.lock();
        scheduler.check()?;
        scheduler.take_failure(Some(&stream))?;
        scheduler.flush_for(Some(&stream), stream.seqs())?
    };
    if device.wait(&seqs, Some(Instant::now())).map_err(|e| device.reason(&stream, e))? {
        return device.finish_wait(Some(&stream));
    }
    Err(unfinished(0))
}

/// Submits what is held back of the stream.
pub(crate) fn flush(token: Token) -> Result<()> {
    let (device, stream) = enter_live(token, "a flush")?;
    device.lock().flush_for(Some(&stream), stream.seqs()).map(drop)
}
