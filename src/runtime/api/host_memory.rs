//! The user's own memory, made known to the device, so that the device reads and writes it over the bus without a copy.

use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::Token;
use crate::runtime::device::guard;
use crate::vulkan::Imported;
use std::mem::MaybeUninit;

/// See avx_host_register. `memory` stays mapped until it is unregistered or the device is destroyed.
pub(crate) fn register(token: Token, memory: &'static mut [MaybeUninit<u8>]) -> Result<()> {
    let device = guard::enter(token)?;
    device.lock().check()?;
    let (start, size) = (memory.as_ptr().addr(), memory.len());
    if size == 0 {
        return Err(invalid("size is 0: there is nothing to register"));
    }
    device.regions.check_apart(start, size)?;
    let imported = Imported::new(&device.vulkan, memory)?;
    device.regions.add((start, size), imported, || device.lock().tracker.add(None, true))
}

/// See avx_host_unregister. Waits for queued work that uses the memory.
pub(crate) fn unregister(token: Token, address: usize) -> Result<()> {
    let device = guard::enter(token)?;
    let Some(region) = device.regions.remove(address) else {
        return Err(invalid(format!("no memory that starts at {address:#x} is registered with '{}'", device.label)));
    };
    let seqs = {
        let mut scheduler = device.lock();
        let seqs = scheduler.must_wait_for(region.id(), &(0..region.size()), true)?;
        scheduler.flush_to(seqs)?
    };
    // After this the memory is the caller's again, so no deadline may end the wait.
    if !device.wait(&seqs, None)? {
        return Err(Error::new(Status::Exiting, "the process is ending, and work that uses the memory is not done"));
    }
    device.free_buffer(region.id());
    Ok(())
}
