//! The user's own memory, made known to the device, so that it reads and writes it over the bus with no copy between.

use crate::runtime::api::device::{self, Device};
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::Token;
use crate::runtime::schedule::hazard::{Stage, Use};
use crate::runtime::schedule::track::{Touch, TrackId};
use crate::vulkan::{Imported, Slice};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// A registered region.
pub(crate) struct Region {
    start: usize,
    size: usize,
    imported: Imported,
    track: TrackId,
}

impl Region {
    /// The range as the GPU sees it.
    pub(crate) fn slice(&self, range: &Range<u64>) -> Slice {
        self.imported.slice(range.start, range.end - range.start)
    }

    /// A transfer's use of the range.
    pub(crate) fn touch(&self, range: &Range<u64>, write: bool) -> Touch {
        Touch { track: self.track, of: Use { range: range.clone(), stage: Stage::Transfer, write, unordered: false } }
    }
}

/// The registered regions of a device, which do not overlap.
#[derive(Default)]
pub(crate) struct Registered(RwLock<Vec<Arc<Region>>>);

impl Registered {
    /// The region that holds `size` bytes at `address`, and where in it they are.
    pub(crate) fn find(&self, address: usize, size: usize) -> Option<(Arc<Region>, u64)> {
        let regions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let region = regions.iter().find(|r| r.start <= address && size <= r.size && address - r.start <= r.size - size)?;
        Some((region.clone(), (address - region.start) as u64))
    }

    /// Forgets all, of a device whose work is done.
    pub(crate) fn clear(&self, device: &Device) {
        for region in self.0.write().unwrap_or_else(PoisonError::into_inner).drain(..) {
            device.free_track(region.track);
        }
    }
}

/// See avx_host_register. `memory` stays mapped until it is unregistered or the device destroyed.
pub(crate) fn register(token: Token, memory: &'static mut [MaybeUninit<u8>]) -> Result<()> {
    let device = device::enter(token)?;
    device.lock().check()?;
    let (start, size) = (memory.as_ptr().addr(), memory.len());
    if size == 0 {
        return Err(invalid("size is 0: there is nothing to register"));
    }
    let overlap = |regions: &[Arc<Region>]| {
        let clash = regions.iter().find(|r| start < r.start + r.size && r.start < start + size);
        clash.map_or(Ok(()), |r| {
            let message = format!("{size} bytes at {start:#x} overlap the {} bytes at {:#x} that are registered", r.size, r.start);
            Err(Error::new(Status::InvalidArgument, message))
        })
    };
    overlap(&device.registered.0.read().unwrap_or_else(PoisonError::into_inner))?;
    let imported = Imported::new(&device.vulkan, memory)?;
    let mut regions = device.registered.0.write().unwrap_or_else(PoisonError::into_inner);
    overlap(&regions)?;
    let track = device.lock().tracks.add(None, true);
    regions.push(Arc::new(Region { start, size, imported, track }));
    Ok(())
}

/// See avx_host_unregister: waits for queued work that uses the memory.
pub(crate) fn unregister(token: Token, address: usize) -> Result<()> {
    let device = device::enter(token)?;
    let region = {
        let mut regions = device.registered.0.write().unwrap_or_else(PoisonError::into_inner);
        let found = regions.iter().position(|r| r.start == address);
        let Some(i) = found else {
            return Err(invalid(format!("no memory that starts at {address:#x} is registered with '{}'", device.label)));
        };
        regions.swap_remove(i)
    };
    let clock = {
        let mut engine = device.lock();
        let clock = engine.must_wait_for(region.track, &(0..region.size as u64), true)?;
        engine.flush_to(clock)?
    };
    // The memory is the caller's again after this: no deadline can end the wait.
    device.wait(&clock, None)?;
    device.free_track(region.track);
    Ok(())
}
