//! The bytes that a command accesses, and the lock that a call takes once no other call works on them.

use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::lock::Guard;
use crate::runtime::device::core::Device;
use crate::runtime::object::buffer::Buffer;
use crate::runtime::schedule::hazard::{Access, Stage, overlap};
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::tracker::{BufferAccess, HostState};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// The accesses of a command, with the buffers for messages.
#[derive(Clone, Default)]
pub(crate) struct AccessList {
    pub(crate) list: SmallVec<[BufferAccess; 6]>,
    /// The buffers of the first accesses. The accesses after those are to memory of the library's own, which no user maps.
    pub(crate) buffers: SmallVec<[Arc<Buffer>; 6]>,
}

impl AccessList {
    #[inline]
    pub(crate) fn add(&mut self, buffer: Arc<Buffer>, access: Access) {
        self.list.push(BufferAccess { id: buffer.storage.id, access });
        self.buffers.push(buffer);
    }

    /// One access that is not by commuting atomics.
    pub(crate) fn one(buffer: &Arc<Buffer>, range: &Range<u64>, stage: Stage, write: bool) -> AccessList {
        let mut accesses = AccessList::default();
        accesses.add(buffer.clone(), Access { range: range.clone(), stage, write, unordered: false });
        accesses
    }

    /// Adds one such access.
    pub(crate) fn and(mut self, buffer: &Arc<Buffer>, range: &Range<u64>, stage: Stage, write: bool) -> AccessList {
        self.add(buffer.clone(), Access { range: range.clone(), stage, write, unordered: false });
        self
    }
}

/// Fails if a buffer is not of this device.
pub(crate) fn check_owner(device: &Arc<Device>, buffer: &Buffer) -> Result<()> {
    if Arc::ptr_eq(device, &buffer.device) {
        return Ok(());
    }
    let message = format!("{} is of device '{}', the call's other handle of device '{}'", buffer.name(), buffer.device.label, device.label);
    Err(Error::new(Status::InvalidHandle, message))
}

/// Locks the scheduler once no other call works on the bytes. Fails if the device is lost, or if the user has mapped a range in a way that
/// conflicts.
pub(crate) fn lock_for_access<'a>(device: &'a Device, accesses: &AccessList) -> Result<Guard<'a, Scheduler>> {
    let mut scheduler = device.lock();
    loop {
        scheduler.check()?;
        let mut pinned = false;
        for (entry, buffer) in accesses.list.iter().zip(&accesses.buffers) {
            if scheduler.tracker.uncontested(entry.id).is_some() {
                continue;
            }
            let (_, host) = scheduler.tracker.live(entry.id)?;
            check(host, buffer, &entry.access.range, entry.access.write)?;
            pinned |= host.is_pinned(&entry.access.range, entry.access.write);
        }
        if !pinned {
            return Ok(scheduler);
        }
        scheduler = device.scheduler.wait_for_change(scheduler);
    }
}

/// Fails if the user's mapping conflicts with an access to the range.
fn check(host: &HostState, buffer: &Buffer, range: &Range<u64>, write: bool) -> Result<()> {
    match host.mapped() {
        Some((mapped, writes)) if (*writes || write) && overlap(mapped, range) => {
            let message = format!("bytes {mapped:?} of {} are mapped; avx_unmap them before the call uses {range:?}", buffer.name());
            Err(Error::new(Status::Mapped, message))
        }
        _ => Ok(()),
    }
}

/// A pin of a range. Dropping it ends the pin and takes the scheduler's lock, so the lock must be released before.
pub(crate) struct Pin<'a> {
    device: &'a Device,
    buffer: &'a Buffer,
    range: Range<u64>,
    write: bool,
}

impl<'a> Pin<'a> {
    pub(crate) fn new(
        device: &'a Device,
        scheduler: &mut Scheduler,
        buffer: &'a Buffer,
        range: &Range<u64>,
        write: bool,
    ) -> Result<Pin<'a>> {
        scheduler.tracker.pin(buffer.storage.id, range, write)?;
        Ok(Pin { device, buffer, range: range.clone(), write })
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        self.device.lock().unpin(self.buffer.storage.id, &self.range, self.write);
        self.device.scheduler.notify_change();
    }
}
