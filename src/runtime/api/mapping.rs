//! Mappings: addresses in host-visible buffers that the caller holds.

use crate::runtime::base::error::{Error, Result, Status, invalid, not_in_this_version};
use crate::runtime::base::handle::Token;
use crate::runtime::object::buffer;
use crate::runtime::schedule::hazard::{QueueSeqs, Stage};
use crate::runtime::stream::access::{AccessList, lock_for_access};

const READ: u32 = 1;
const WRITE: u32 = 2;
const PERSISTENT: u32 = 4;

/// See avx_map. Returns the address.
pub(crate) fn map(token: Token, offset: u64, size: u64, access: u32) -> Result<usize> {
    let (device, buffer) = buffer::enter(token)?;
    if access & PERSISTENT != 0 && access & !(READ | WRITE | PERSISTENT) == 0 {
        return Err(not_in_this_version("AVX_MAP_PERSISTENT"));
    }
    if access == 0 || access & !(READ | WRITE) != 0 {
        return Err(invalid(format!("access {access:#x} is not a combination of AVX_MAP_READ (1) and AVX_MAP_WRITE (2)")));
    }
    let Some(host_view) = buffer.storage.host_view else {
        let message = format!(
            "the CPU does not see the memory of {}; use AVX_MEMORY_UPLOAD or AVX_MEMORY_READBACK, or avx_read and avx_write",
            buffer.name()
        );
        return Err(Error::new(Status::Unsupported, message));
    };
    let size = if size == 0 { buffer.storage.size.saturating_sub(offset) } else { size };
    let range = buffer.range(offset, size)?;
    let write = access & WRITE != 0;
    let deadline = device.deadline();
    let accesses = AccessList::one(&buffer, &range, Stage::Transfer, write);
    loop {
        device.read_reports()?;
        let mut scheduler = lock_for_access(&device, &accesses)?;
        if let Some((mapped, _)) = scheduler.tracker.live(buffer.storage.id)?.1.mapped() {
            let message = format!("{} is mapped already (bytes {mapped:?}); one mapping a buffer at a time", buffer.name());
            return Err(Error::new(Status::Mapped, message));
        }
        let seqs = scheduler.must_wait_for(buffer.storage.id, &range, write)?;
        if seqs == QueueSeqs::default() {
            scheduler.tracker.map(buffer.storage.id, range, write)?;
            return Ok(host_view.address(offset));
        }
        let seqs = scheduler.flush_to(seqs)?;
        drop(scheduler);
        device.wait_or_fail(&seqs, deadline)?;
    }
}

/// See avx_unmap.
pub(crate) fn unmap(token: Token) -> Result<()> {
    let (device, buffer) = buffer::enter(token)?;
    let mut scheduler = device.lock();
    scheduler.tracker.live(buffer.storage.id)?;
    if !scheduler.tracker.unmap(buffer.storage.id) {
        return Err(Error::new(Status::NotMapped, format!("{} is not mapped", buffer.name())));
    }
    Ok(())
}
