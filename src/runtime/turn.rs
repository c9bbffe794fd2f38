//! Whose turn it is: which bytes the user has mapped, and which a call in progress works on with no lock held.

use super::buffer::Buffer;
use super::device::Device;
use super::engine::{Engine, Track};
use super::error::{Error, Result, Status};
use std::ops::Range;
use std::sync::MutexGuard;

/// The engine, once no other call is working on the range. Fails if the device is lost or the range mapped in a conflicting way.
pub(crate) fn turn<'a>(device: &'a Device, uses: &[(&Buffer, &Range<u64>, bool)]) -> Result<MutexGuard<'a, Engine>> {
    let mut engine = device.lock();
    loop {
        engine.check()?;
        let mut pinned = false;
        for (buffer, range, write) in uses {
            check(engine.live(buffer.track)?, buffer, range, *write)?;
            pinned |= engine.is_pinned(buffer.track, range, *write)?;
        }
        if !pinned {
            return Ok(engine);
        }
        engine = device.wait_for_change(engine);
    }
}

/// Fails if the mapping that the user holds conflicts with a use of the range.
fn check(track: &Track, buffer: &Buffer, range: &Range<u64>, write: bool) -> Result<()> {
    match &track.mapped {
        Some((mapped, writes)) if (*writes || write) && mapped.start < range.end && range.start < mapped.end => {
            let message = format!("bytes {mapped:?} of {} are mapped; avx_unmap them before the call uses {range:?}", buffer.name());
            Err(Error::new(Status::Mapped, message))
        }
        _ => Ok(()),
    }
}

/// A pin, ended when dropped, which takes the engine's lock: the guard goes first.
pub(crate) struct Pin<'a> {
    device: &'a Device,
    buffer: &'a Buffer,
    range: Range<u64>,
    write: bool,
}

impl<'a> Pin<'a> {
    pub(crate) fn new(device: &'a Device, engine: &mut Engine, buffer: &'a Buffer, range: &Range<u64>, write: bool) -> Result<Pin<'a>> {
        engine.pin(buffer.track, range, write)?;
        Ok(Pin { device, buffer, range: range.clone(), write })
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        self.device.lock().unpin(self.buffer.track, &self.range, self.write);
        self.device.notify_change();
    }
}
