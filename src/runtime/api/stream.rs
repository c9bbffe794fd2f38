//! Streams: ordered sequences of work. Several may share a lane; what orders them there is the hazard plan, as everywhere.

use super::device::{self, Device, Inside};
use super::graph::Recording;
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::{Kind, Living, Table, Token};
use crate::runtime::schedule::stream_state::Line;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

static STREAMS: Table<Stream> = Table::new(Kind::Stream);

/// A stream, as a handle names it.
pub(crate) struct Stream {
    pub(crate) device: Arc<Device>,
    kind: StreamKind,
}

enum StreamKind {
    Live(Arc<Line>),
    /// Records a graph; empty once that has ended.
    Recording(Mutex<Option<Recording>>),
}

/// Where a verb's work goes.
pub(crate) enum Target {
    Live(Arc<Line>),
    Recording(Arc<Stream>),
}

impl Target {
    /// The live stream, for `what`, which cannot be recorded.
    pub(crate) fn live(self, what: &str) -> Result<Arc<Line>> {
        match self {
            Target::Live(line) => Ok(line),
            Target::Recording(_) => {
                let message = format!("{what} cannot be recorded into a graph: it would happen now, and the graph runs later");
                Err(Error::new(Status::Unsupported, message))
            }
        }
    }
}

impl Stream {
    /// Where its work goes, if it is a live one of that device.
    #[inline]
    pub(crate) fn live_on(&self, device: &Arc<Device>) -> Option<&Arc<Line>> {
        match &self.kind {
            StreamKind::Live(line) if Arc::ptr_eq(&self.device, device) => Some(line),
            _ => None,
        }
    }

    /// Works on what the recording stream has recorded. Fails once the recording has ended.
    pub(crate) fn recording<T>(&self, work: impl FnOnce(&mut Recording) -> Result<T>) -> Result<T> {
        if let StreamKind::Recording(recording) = &self.kind
            && let Some(recording) = &mut *recording.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        {
            return work(recording);
        }
        Err(Error::new(Status::InvalidHandle, "the stream does not record a graph"))
    }

    /// Ends the recording and gives what was recorded.
    pub(crate) fn take_recording(&self) -> Result<Recording> {
        if let StreamKind::Recording(recording) = &self.kind
            && let Some(recording) = recording.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
        {
            return Ok(recording);
        }
        Err(Error::new(Status::InvalidHandle, "the stream does not record a graph; avx_graph_begin gives one that does"))
    }
}

impl Device {
    /// True for the default stream, by NULL or by its name.
    #[inline]
    pub(crate) fn is_default(&self, stream: Token) -> bool {
        stream.is_null() || self.stream.get() == Some(&stream)
    }

    /// Where work on `stream` goes; NULL is the default stream.
    pub(crate) fn target(self: &Arc<Self>, stream: Token) -> Result<Target> {
        if self.is_default(stream) {
            return Ok(Target::Live(self.line.clone()));
        }
        let stream = STREAMS.get(stream)?;
        if !Arc::ptr_eq(&stream.device, self) {
            let message = format!("the stream is of device '{}', the call's other handle of device '{}'", stream.device.label, self.label);
            return Err(Error::new(Status::InvalidHandle, message));
        }
        match &stream.kind {
            StreamKind::Live(line) => Ok(Target::Live(line.clone())),
            StreamKind::Recording(_) => Ok(Target::Recording(stream)),
        }
    }

    /// The lane of the next stream: they take turns.
    fn next_lane(&self) -> u8 {
        (self.streams_made.fetch_add(1, Ordering::Relaxed) % self.lane_count as u64) as u8
    }
}

/// Names a device's default stream.
pub(crate) fn name_default(device: &Arc<Device>) -> Result<Token> {
    STREAMS.insert_with(|_| Arc::new(Stream { device: device.clone(), kind: StreamKind::Live(device.line.clone()) }))
}

/// Makes a stream.
pub(crate) fn create(device: Token, label: Option<&str>) -> Result<Token> {
    let device = device::enter(device)?;
    device.lock().check()?;
    let line = Line::new(device.next_lane(), label);
    STREAMS.insert_with(|_| Arc::new(Stream { device: device.clone(), kind: StreamKind::Live(line) }))
}

/// Makes a stream that records.
pub(crate) fn record(device: &Arc<Device>, recording: Recording) -> Result<Token> {
    STREAMS.insert_with(|_| Arc::new(Stream { device: device.clone(), kind: StreamKind::Recording(Mutex::new(Some(recording))) }))
}

/// The stream of that name, and its device kept open.
pub(crate) fn enter(token: Token) -> Result<(Inside, Arc<Stream>)> {
    let stream = STREAMS.get(token)?;
    Ok((Arc::clone(&stream.device).enter()?, stream))
}

/// The live stream of that name, and its device kept open. `what` is what cannot be done on one that records.
fn enter_live(token: Token, what: &str) -> Result<(Inside, Arc<Line>)> {
    let (device, _) = enter(token)?;
    let line = device.target(token)?.live(what)?;
    Ok((device, line))
}

/// Ends a stream's name; its work goes on.
pub(crate) fn free(token: Token) -> Result<()> {
    let (device, _) = enter(token)?;
    if device.stream.get() == Some(&token) {
        return Err(Error::new(Status::InvalidArgument, "the default stream lives as long as its device"));
    }
    // What is held back would be submitted by the tail thread all the same.
    STREAMS.remove(token).map(drop)
}

/// All living streams, kept alive meanwhile, as `kernel::all`.
#[inline]
pub(crate) fn all() -> Living<'static, Stream> {
    STREAMS.all()
}

/// Ends the name of a stream that recorded.
pub(crate) fn remove(token: Token) {
    drop(STREAMS.remove(token));
}

/// Ends the names of all streams of a device.
pub(crate) fn remove_all(owned: impl Fn(&Arc<Device>) -> bool) -> Vec<Arc<Stream>> {
    STREAMS.remove_all(|s| owned(&s.device))
}

/// When a wait of `timeout_ns` that begins now ends; `None`: never.
pub(crate) fn deadline_after(timeout_ns: u64) -> Option<Instant> {
    if timeout_ns == u64::MAX { None } else { Instant::now().checked_add(Duration::from_nanos(timeout_ns)) }
}

/// A wait of `timeout_ns` has ended before the work: with a timeout of 0 the caller only asked.
pub(crate) fn unfinished(timeout_ns: u64) -> Error {
    Error::not_yet(if timeout_ns == 0 { Status::NotReady } else { Status::Timeout })
}

/// Waits for what was queued on the stream before; 0 only asks.
pub(crate) fn synchronize(token: Token, timeout_ns: u64) -> Result<()> {
    let (device, line) = enter_live(token, "a wait")?;
    let deadline = deadline_after(timeout_ns);
    let clock = device.hand_in(&mut device.lock(), &line, line.clock())?;
    if !device.wait(&clock, deadline).map_err(|e| device.reason(&line, e))? {
        return Err(unfinished(timeout_ns));
    }
    device.settle(Some(&line))
}

/// Whether all that was queued on the stream is done.
pub(crate) fn status(token: Token) -> Result<()> {
    let (device, line) = enter_live(token, "a question for its status")?;
    let clock = {
        let mut engine = device.lock();
        engine.check()?;
        engine.take_failure(Some(&line))?;
        engine.flush_for(Some(&line), line.clock())?
    };
    if device.wait(&clock, Some(Instant::now())).map_err(|e| device.reason(&line, e))? {
        return device.settle(Some(&line));
    }
    Err(unfinished(0))
}

/// Submits what is held back of the stream.
pub(crate) fn flush(token: Token) -> Result<()> {
    let (device, line) = enter_live(token, "a flush")?;
    device.lock().flush_for(Some(&line), line.clock()).map(drop)
}
