//! From the device to the host.

use super::staged::{read_staged, record_read};
use crate::runtime::base::error::{Result, Status};
use crate::runtime::base::handle::Token;
use crate::runtime::base::lock::Guard;
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::object::buffer::{self, Buffer};
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::hazard::{QueueSeqs, Stage};
use crate::runtime::schedule::pending_reads::{MAX_BYTES, PendingRead, Source};
use crate::runtime::schedule::regions::Region;
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::staging::{Chunk, SMALL};
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::stream::access::{AccessList, Pin, lock_for_access};
use crate::vulkan::MemoryKind;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// See avx_read.
pub(crate) fn read(stream: Token, buffer: Token, offset: u64, into: &mut [MaybeUninit<u8>]) -> Result<()> {
    let (device, buffer) = buffer::enter(buffer)?;
    let stream = device.destination(stream)?.live("a read into the host's memory")?;
    let range = buffer.range(offset, into.len() as u64)?;
    let accesses = AccessList::one(&buffer, &range, Stage::Transfer, false);
    let mut scheduler = lock_for_access(&device, &accesses)?;
    if into.is_empty() {
        return scheduler.take_failure(Some(&stream));
    }
    // The read returns an assertion that did not hold, after it has brought the bytes.
    scheduler.take_loss(&stream)?;
    if let Some(host_view) = buffer.storage.host_view.filter(|_| buffer.storage.cached) {
        let seqs = scheduler.must_wait_for(buffer.storage.id, &range, false)?;
        if seqs == QueueSeqs::default() && into.len() as u64 <= SMALL {
            // There is nothing to wait for. The lock keeps other calls away for as long as the copy takes.
            host_view.read(offset, into);
            device.reap(&mut scheduler);
            if device.reports.any() {
                drop(scheduler);
                return device.finish_wait(Some(&stream));
            }
            return Ok(());
        }
        let seqs = device.submit_or_join(&mut scheduler, &stream, seqs)?;
        let pin = Pin::new(&device, &mut scheduler, &buffer, &range, false)?;
        drop(scheduler);
        device.wait_for_stream(&stream, &seqs)?;
        device.copy_pool.read(host_view, offset, into);
        drop(pin);
        return device.finish_wait(Some(&stream));
    }
    if into.len() as u64 <= SMALL {
        let done = scheduler.done();
        let chunk = match device.returned.take() {
            Some(chunk) => Some(chunk),
            None => scheduler.staging.small_readbacks.take(&done)?.chunk(),
        };
        if let Some(chunk) = chunk {
            return read_small(&device, scheduler, &stream, (&buffer, &range), chunk, into);
        }
    }
    drop(scheduler);
    if into.len() as u64 > SMALL
        && let Some((region, at)) = device.regions.find(into.as_ptr().addr(), into.len())
    {
        read_registered(&device, &stream, (&buffer, &range), (&region, at))?;
        let seqs = device.lock().flush_for(Some(&stream), stream.seqs())?;
        device.wait_for_stream(&stream, &seqs)?;
        return device.finish_wait(Some(&stream));
    }
    let mut scheduler = lock_for_access(&device, &accesses)?;
    let pin = Pin::new(&device, &mut scheduler, &buffer, &range, false)?;
    drop(scheduler);
    read_staged(&device, &stream, &buffer, offset, into)?;
    drop(pin);
    device.finish_wait(Some(&stream))
}

/// A read by one chunk. The scheduler's lock is taken before the wait, and after it only if something is to be done, because many threads
/// may be reading at once. The device's order keeps other calls from the range, so the range is not pinned.
fn read_small(
    device: &DeviceGuard,
    mut scheduler: Guard<'_, Scheduler>,
    stream: &Arc<StreamState>,
    (buffer, range): (&Arc<Buffer>, &Range<u64>),
    chunk: Chunk,
    into: &mut [MaybeUninit<u8>],
) -> Result<()> {
    let recorded = record_read(&mut scheduler, stream, buffer, range, &chunk);
    scheduler.queues[usize::from(stream.queue)].read_prediction.read(Instant::now());
    let number = stream.last();
    let seqs = recorded.and_then(|()| device.submit_or_join(&mut scheduler, stream, stream.seqs()));
    drop(scheduler);
    let outcome = seqs.and_then(|seqs| device.wait_for_stream(stream, &seqs));
    match outcome {
        Ok(()) => {
            chunk.host_view().read(0, into);
            device.return_small_chunk(chunk, (stream.queue, number));
        }
        // The device may still write the chunk.
        Err(_) => {
            device.lock().staging.small_readbacks.return_chunk(chunk, (stream.queue, number));
            device.scheduler.notify_change();
        }
    }
    outcome?;
    device.finish_wait(Some(stream))
}

/// See avx_read_async.
pub(crate) fn read_async(stream_token: Token, buffer: Token, offset: u64, into: &'static mut [MaybeUninit<u8>]) -> Result<()> {
    let size = into.len() as u64;
    let (device, entered) = buffer::enter(buffer)?;
    let stream = device.destination(stream_token)?.live("a read into the host's memory")?;
    let range = entered.range(offset, size)?;
    let accesses = AccessList::one(&entered, &range, Stage::Transfer, false);
    drop(lock_for_access(&device, &accesses)?);
    if into.is_empty() {
        return Ok(());
    }
    if size > SMALL
        && let Some((region, at)) = device.regions.find(into.as_ptr().addr(), into.len())
    {
        return read_registered(&device, &stream, (&entered, &range), (&region, at));
    }
    if size > MAX_BYTES {
        return read(stream_token, buffer, offset, into);
    }
    device.reserve_read(size)?;
    let mut into = Some(into);
    let queued = queue_read(&device, &stream, (&entered, &range), &mut into);
    let Some(into) = into else { return queued };
    device.lock().pending_reads.release(size);
    match queued {
        // Without memory to finish the read later, the read is done now.
        Err(e) if matches!(e.status, Status::OutOfDeviceMemory | Status::OutOfHostMemory) => read(stream_token, buffer, offset, into),
        queued => queued,
    }
}

/// Queues a read that is delivered later. `into` is taken if the read is queued.
fn queue_read(
    device: &DeviceGuard,
    stream: &Arc<StreamState>,
    (buffer, range): (&Arc<Buffer>, &Range<u64>),
    into: &mut Option<&'static mut [MaybeUninit<u8>]>,
) -> Result<()> {
    let size = range.end - range.start;
    let accesses = AccessList::one(buffer, range, Stage::Transfer, false);
    let mut own = match size <= SMALL {
        true => None,
        false => Some(Chunk::new(&device.memory, MemoryKind::Readback, size)?),
    };
    let recorded = lock_for_access(device, &accesses).and_then(|mut scheduler| {
        let done = scheduler.done();
        let delivered = scheduler.pending_reads.passed(&done)[usize::from(stream.queue)];
        let mut place = None;
        scheduler.record(
            stream,
            &accesses.list,
            || CommandLabel::new("read", size),
            |commands, staging, now| {
                let slice = match &own {
                    Some(chunk) => chunk.slice().part(0, size),
                    None => {
                        let (slice, host_view, at) = staging.read_arena(now.queue).take(size, now.submission, delivered)?;
                        place = Some(Source::Arena(host_view, at));
                        slice
                    }
                };
                commands.copy(buffer.slice(range), slice);
                Ok(())
            },
        )?;
        scheduler.host_will_read(stream.queue);
        let source = place.or_else(|| own.take().map(Source::Own));
        if let (Some(source), Some(into)) = (source, into.take()) {
            scheduler.add_pending_read(PendingRead { source, into, queue: stream.queue, submission: stream.last() });
        }
        device.after_recording(&mut scheduler, stream)
    });
    if let Some(chunk) = own {
        device.free(chunk.into_allocation());
    }
    recorded
}

/// The device writes the user's memory itself.
fn read_registered(
    device: &DeviceGuard,
    stream: &Arc<StreamState>,
    (buffer, range): (&Arc<Buffer>, &Range<u64>),
    (region, at): (&Arc<Region>, u64),
) -> Result<()> {
    let accesses = AccessList::one(buffer, range, Stage::Transfer, false);
    let mut scheduler = lock_for_access(device, &accesses)?;
    let target = at..at + (range.end - range.start);
    let mut list = accesses.list;
    list.push(region.access(&target, true));
    scheduler.record(
        stream,
        &list,
        || CommandLabel::new("read", range.end - range.start),
        |commands, _, _| {
            commands.copy(buffer.slice(range), region.slice(&target));
            Ok(())
        },
    )?;
    device.after_recording(&mut scheduler, stream)
}
