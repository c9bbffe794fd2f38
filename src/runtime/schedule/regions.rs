//! The user's own memory that the device knows.

use super::hazard::{Access, Stage, overlap};
use super::tracker::{BufferAccess, BufferId};
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::lock::{SharedLock, rank};
use crate::vulkan::{Imported, Slice};
use std::ops::Range;
use std::sync::Arc;

/// A registered region.
pub(crate) struct Region {
    start: usize,
    size: usize,
    imported: Imported,
    id: BufferId,
}

impl Region {
    /// The range as the GPU sees it.
    pub(crate) fn slice(&self, range: &Range<u64>) -> Slice {
        self.imported.slice(range.start, range.end - range.start)
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size as u64
    }

    /// What the scheduler tracks its accesses by.
    pub(crate) fn id(&self) -> BufferId {
        self.id
    }

    /// The access of a transfer to the range.
    pub(crate) fn access(&self, range: &Range<u64>, write: bool) -> BufferAccess {
        BufferAccess { id: self.id, access: Access { range: range.clone(), stage: Stage::Transfer, write, unordered: false } }
    }
}

/// The registered regions of a device. They do not overlap.
#[derive(Default)]
pub(crate) struct Regions(SharedLock<Vec<Arc<Region>>, { rank::REGIONS }>);

impl Regions {
    /// The region that holds `size` bytes at `address`, and their offset in it.
    pub(crate) fn find(&self, address: usize, size: usize) -> Option<(Arc<Region>, u64)> {
        let regions = self.0.read();
        let region = regions.iter().find(|r| r.start <= address && size <= r.size && address - r.start <= r.size - size)?;
        Some((region.clone(), (address - region.start) as u64))
    }

    /// Fails if `size` bytes at `start` overlap a region.
    pub(crate) fn check_apart(&self, start: usize, size: usize) -> Result<()> {
        check_apart(&self.0.read(), start, size)
    }

    /// Adds `size` bytes at `start`. `register` has the scheduler track them.
    pub(crate) fn add(&self, (start, size): (usize, usize), imported: Imported, register: impl FnOnce() -> BufferId) -> Result<()> {
        let mut regions = self.0.write();
        check_apart(&regions, start, size)?;
        regions.push(Arc::new(Region { start, size, imported, id: register() }));
        Ok(())
    }

    /// Takes out the region that starts at an address.
    pub(crate) fn remove(&self, start: usize) -> Option<Arc<Region>> {
        let mut regions = self.0.write();
        regions.iter().position(|r| r.start == start).map(|i| regions.swap_remove(i))
    }

    /// Forgets all regions, once the device's work is done. Returns what the caller must free.
    pub(crate) fn clear(&self) -> Vec<BufferId> {
        self.0.write().drain(..).map(|region| region.id).collect()
    }
}

fn check_apart(regions: &[Arc<Region>], start: usize, size: usize) -> Result<()> {
    match regions.iter().find(|r| overlap(&(r.start..r.start + r.size), &(start..start + size))) {
        None => Ok(()),
        Some(r) => {
            let message = format!("{size} bytes at {start:#x} overlap the {} bytes at {:#x} that are registered", r.size, r.start);
            Err(Error::new(Status::InvalidArgument, message))
        }
    }
}
