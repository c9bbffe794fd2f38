//! Streams and their handles, and where the work of a call goes: to the device, or into a graph.

use super::recording::Recording;
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::{HandleKind, LiveObjects, Table, Token};
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::device::core::Device;
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::schedule::stream_state::StreamState;
use std::sync::Arc;

static STREAMS: Table<Stream, { rank::STREAMS }> = Table::new(HandleKind::Stream);

/// A stream, as a handle names it.
pub(crate) struct Stream {
    pub(crate) device: Arc<Device>,
    kind: StreamKind,
}

enum StreamKind {
    Live(Arc<StreamState>),
    /// The stream records a graph. The recording is empty once it has ended.
    Recording(Lock<Option<Recording>, { rank::RECORDING }>),
}

/// Where the work of a call goes.
pub(crate) enum Destination {
    Live(Arc<StreamState>),
    Recording(Arc<Stream>),
}

impl Destination {
    /// The live stream. Fails for a stream that records; `what` names the work that cannot be recorded.
    pub(crate) fn live(self, what: &str) -> Result<Arc<StreamState>> {
        match self {
            Destination::Live(stream) => Ok(stream),
            Destination::Recording(_) => {
                let message = format!("{what} cannot be recorded into a graph: it would happen now, and the graph runs later");
                Err(Error::new(Status::Unsupported, message))
            }
        }
    }
}

impl Stream {
    /// The state of a live stream of that device.
    #[inline]
    pub(crate) fn live_on(&self, device: &Arc<Device>) -> Option<&Arc<StreamState>> {
        match &self.kind {
            StreamKind::Live(stream) if Arc::ptr_eq(&self.device, device) => Some(stream),
            _ => None,
        }
    }

    /// Works on what a recording stream has recorded. Fails once the recording has ended.
    pub(crate) fn recording<T>(&self, work: impl FnOnce(&mut Recording) -> Result<T>) -> Result<T> {
        if let StreamKind::Recording(recording) = &self.kind
            && let Some(recording) = &mut *recording.lock()
        {
            return work(recording);
        }
        Err(Error::new(Status::InvalidHandle, "the stream does not record a graph"))
    }

    /// Ends the recording and returns what was recorded.
    pub(crate) fn take_recording(&self) -> Result<Recording> {
        if let StreamKind::Recording(recording) = &self.kind
            && let Some(recording) = recording.lock().take()
        {
            return Ok(recording);
        }
        Err(Error::new(Status::InvalidHandle, "the stream does not record a graph; avx_graph_begin gives one that does"))
    }
}

impl Device {
    /// The destination of work on `stream`. NULL is the default stream.
    pub(crate) fn destination(self: &Arc<Self>, stream: Token) -> Result<Destination> {
        if self.is_default(stream) {
            return Ok(Destination::Live(self.default_stream.clone()));
        }
        let stream = STREAMS.get(stream)?;
        if !Arc::ptr_eq(&stream.device, self) {
            let message = format!("the stream is of device '{}', the call's other handle of device '{}'", stream.device.label, self.label);
            return Err(Error::new(Status::InvalidHandle, message));
        }
        match &stream.kind {
            StreamKind::Live(stream) => Ok(Destination::Live(stream.clone())),
            StreamKind::Recording(_) => Ok(Destination::Recording(stream)),
        }
    }
}

/// Names a live stream.
pub(crate) fn name(device: &Arc<Device>, stream: Arc<StreamState>) -> Result<Token> {
    STREAMS.insert_with(|_| Arc::new(Stream { device: device.clone(), kind: StreamKind::Live(stream) }))
}

/// Makes a stream that records.
pub(crate) fn record(device: &Arc<Device>, recording: Recording) -> Result<Token> {
    STREAMS.insert_with(|_| Arc::new(Stream { device: device.clone(), kind: StreamKind::Recording(Lock::new(Some(recording))) }))
}

/// The stream that the token names, with its device kept open.
pub(crate) fn enter(token: Token) -> Result<(DeviceGuard, Arc<Stream>)> {
    let stream = STREAMS.get(token)?;
    Ok((Arc::clone(&stream.device).enter()?, stream))
}

/// All live streams, which are kept alive meanwhile. The rules of `kernel::all` hold.
#[inline]
pub(crate) fn all() -> LiveObjects<'static, Stream> {
    STREAMS.all()
}

/// See avx_set_label. The label of a stream that records is the label of its graph.
pub(crate) fn set_label(token: Token, label: Option<&str>) -> Result<()> {
    let (_device, stream) = enter(token)?;
    match &stream.kind {
        StreamKind::Live(stream) => stream.label.set(label),
        StreamKind::Recording(_) => stream.recording(|recording| {
            recording.label = label.map(str::to_owned);
            Ok(())
        })?,
    }
    Ok(())
}

/// Ends the name of a stream.
pub(crate) fn remove(token: Token) -> Result<()> {
    STREAMS.remove(token).map(drop)
}

/// Ends the names of all streams of a device.
pub(crate) fn remove_all(owned: impl Fn(&Arc<Device>) -> bool) -> Vec<Arc<Stream>> {
    STREAMS.remove_all(|s| owned(&s.device))
}
