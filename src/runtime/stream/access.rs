//! Whose turn it is: which bytes the user has mapped, and which a call in progress works on with no lock held.

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

/// What a command touches, with the buffers for messages.
#[derive(Clone, Default)]
pub(crate) struct AccessList {
    pub(crate) list: SmallVec<[BufferAccess; 6]>,
    /// Of the first touches; those behind are of memory of the library's own, which nobody maps.
    pub(crate) buffers: SmallVec<[Arc<Buffer>; 6]>,
}

impl AccessList {
    #[inline]
    pub(crate) fn add(&mut self, buffer: Arc<Buffer>, access: Access) {
        self.list.push(BufferAccess { id: buffer.storage.id, access });
        self.buffers.push(buffer);
    }

    /// One use that is not by commuting atomics.
    pub(crate) fn one(buffer: &Arc<Buffer>, range: &Range<u64>, stage: Stage, write: bool) -> AccessList {
        let mut accesses = AccessList::default();
        accesses.add(buffer.clone(), Access { range: range.clone(), stage, write, unordered: false });
        accesses
    }

    /// The same and one more.
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

/// The scheduler, once no other call is working on what is touched. Fails if the device is lost or a range mapped in a conflicting way.
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

/// Fails if the mapping that the user holds conflicts with a use of the range.
fn check(host: &HostState, buffer: &Buffer, range: &Range<u64>, write: bool) -> Result<()> {
    match host.mapped() {
        Some((mapped, writes)) if (*writes || write) && overlap(mapped, range) => {
            let message = format!("bytes {mapped:?} of {} are mapped; avx_unmap them before the call uses {range:?}", buffer.name());
            Err(Error::new(Status::Mapped, message))
        }
        _ => Ok(()),
    }
}

/// A pin, ended when dropped, which takes the scheduler's lock: the guard goes first.
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
