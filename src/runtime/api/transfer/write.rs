//! From the host to the device.

use super::staged::{Keep, write_large};
use crate::runtime::api::enqueue;
use crate::runtime::base::error::Result;
use crate::runtime::base::handle::Token;
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::object::buffer::{self, Buffer};
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::hazard::{QueueSeqs, Stage};
use crate::runtime::schedule::regions::Region;
use crate::runtime::schedule::staging::SMALL;
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::stream::access::{AccessList, Pin, lock_for_access};
use crate::runtime::stream::command::{Command, PreparedCommand};
use crate::runtime::stream::destination::Destination;
use crate::vulkan::HostView;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The most bytes that the host writes directly into device memory over a bus. Beyond it, staging memory and copies by the device are
/// faster (measured on an H200: 27 against 20 GB/s at 16 MiB, 31 against 38 at 1 GiB, both with 8 threads).
const DIRECT_OVER_BUS: u64 = 64 << 20;

/// See avx_write and avx_write_async.
pub(crate) fn write(stream: Token, buffer: Token, offset: u64, data: &[u8], keep: Keep) -> Result<()> {
    let (device, buffer) = buffer::enter(buffer)?;
    let destination = device.destination(stream)?;
    let range = buffer.range(offset, data.len() as u64)?;
    let accesses = AccessList::one(&buffer, &range, Stage::Transfer, true);
    let upload = |accesses| {
        let command = Command::Upload { bytes: Cow::Borrowed(data), dst: buffer.slice(&range) };
        enqueue::run(&device, &destination, PreparedCommand { command, accesses })
    };
    let Destination::Live(stream) = &destination else {
        return if data.is_empty() { Ok(()) } else { upload(accesses) };
    };
    let mut scheduler = lock_for_access(&device, &accesses)?;
    if data.is_empty() {
        return Ok(());
    }
    let size = data.len() as u64;
    if let Some(host_view) = direct(&buffer, size)
        && scheduler.must_wait_for(buffer.storage.id, &range, true)? == QueueSeqs::default()
    {
        if size <= SMALL {
            host_view.write(offset, data);
            return Ok(());
        }
        let _pin = Pin::new(&device, &mut scheduler, &buffer, &range, true)?;
        drop(scheduler);
        device.copy_pool.write(host_view, offset, data);
        return Ok(());
    }
    if size <= SMALL {
        drop(scheduler);
        return upload(accesses);
    }
    drop(scheduler);
    if let Some((region, at)) = device.regions.find(data.as_ptr().addr(), data.len()) {
        return write_registered(&device, stream, (&buffer, &range), (&region, at), keep);
    }
    let mut scheduler = lock_for_access(&device, &accesses)?;
    let pin = Pin::new(&device, &mut scheduler, &buffer, &range, true)?;
    drop(scheduler);
    write_large(&device, stream, &buffer, offset, data, keep)?;
    drop(pin);
    Ok(())
}

/// The view through which the host writes `size` bytes itself, if that is fast.
fn direct(buffer: &Buffer, size: u64) -> Option<HostView> {
    buffer.storage.host_view.filter(|_| buffer.storage.cached || buffer.is_host_memory() || size <= DIRECT_OVER_BUS)
}

/// The device reads the user's memory itself.
fn write_registered(
    device: &DeviceGuard,
    stream: &Arc<StreamState>,
    (buffer, range): (&Arc<Buffer>, &Range<u64>),
    (region, at): (&Arc<Region>, u64),
    keep: Keep,
) -> Result<()> {
    let accesses = AccessList::one(buffer, range, Stage::Transfer, true);
    let mut scheduler = lock_for_access(device, &accesses)?;
    let source = at..at + (range.end - range.start);
    let mut list = accesses.list;
    list.push(region.access(&source, false));
    scheduler.record(
        stream,
        &list,
        || CommandLabel::new("write", range.end - range.start),
        |commands, _, _| {
            commands.copy(region.slice(&source), buffer.slice(range));
            Ok(())
        },
    )?;
    if keep == Keep::Stream {
        return device.after_recording(&mut scheduler, stream);
    }
    let seqs = scheduler.flush_for(Some(stream), stream.seqs())?;
    drop(scheduler);
    device.wait_or_fail(&seqs, device.deadline())
}
