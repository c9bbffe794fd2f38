//! Moving bytes between the host and the device: write and read.
//!
//! The host copies directly where it sees the memory and nothing queued conflicts; else bytes go through staging memory, small
//! ones in an arena, large ones in a ring of chunks that several threads fill or empty while others are on the bus. Memory that the
//! user has registered the device reads and writes itself. While a call works on a buffer with no lock held it pins the range, and
//! calls that conflict with it wait their turn.

use super::enqueue;
use crate::runtime::base::error::Result;
use crate::runtime::base::handle::Token;
use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::object::buffer::{self, Buffer};
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::hazard::{QueueSeqs, Stage, seqs_of};
use crate::runtime::schedule::pending_reads::{PendingRead, Source};
use crate::runtime::schedule::regions::Region;
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::staging::{Chunk, LARGE, Ring, SMALL, Staging, Taken};
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::stream::access::{AccessList, Pin, lock_for_access};
use crate::runtime::stream::command::{Command, PreparedCommand};
use crate::runtime::stream::destination::Destination;
use crate::vulkan::{HostView, MemoryKind};
use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Up to this the host writes directly into device memory behind a bus; beyond, staging memory and the device's copies are faster
/// (measured on an H200: 27 against 20 GB/s at 16 MiB, 31 against 38 at 1 GiB, both with 8 threads).
const DIRECT_OVER_BUS: u64 = 64 << 20;
/// Reads beyond this are not given staging memory of their own to be read later, but are done at the call.
const OWN_STAGING: u64 = 1 << 30;
/// The smallest part of a transfer that several threads share.
const LEAST_PART: u64 = 256 << 10;

/// Who keeps the host's memory until it is done with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The caller may have it back when the call returns.
    Call,
    /// The library, until the stream has passed it.
    Stream,
}

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
    write_large(&device, stream, &buffer, offset, data)?;
    drop(pin);
    Ok(())
}

/// The view through which the host writes `size` bytes itself, where that is the fast way.
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

/// The range is pinned: part by part, each on its way while others are filled.
fn write_large(device: &DeviceGuard, stream: &Arc<StreamState>, buffer: &Arc<Buffer>, offset: u64, data: &[u8]) -> Result<()> {
    let part = part_size(device, data.len() as u64);
    let parts = Lock::<_, { rank::COPY_PARTS }>::new(data.chunks(part as usize).enumerate());
    let outcome = Lock::<_, { rank::COPY_PARTS }>::new(Ok(()));
    let count = data.len().div_ceil(part as usize);
    device.copy_pool.run(count, || {
        loop {
            let next = parts.lock().next();
            let Some((i, bytes)) = next else { return };
            if let Err(e) = write_part(device, stream, buffer, offset + i as u64 * part, bytes) {
                *outcome.lock() = Err(e);
                return;
            }
        }
    });
    outcome.into_inner()
}

fn write_part(device: &DeviceGuard, stream: &Arc<StreamState>, buffer: &Arc<Buffer>, at: u64, bytes: &[u8]) -> Result<()> {
    let chunk = take_chunk(device, |staging| &mut staging.uploads)?;
    chunk.host_view().write(0, bytes);
    let range = at..at + bytes.len() as u64;
    let accesses = AccessList::one(buffer, &range, Stage::Transfer, true);
    let mut scheduler = device.lock();
    let outcome = scheduler.record(
        stream,
        &accesses.list,
        || CommandLabel::new("write", bytes.len() as u64),
        |commands, _, _| {
            commands.copy(chunk.slice().part(0, bytes.len() as u64), buffer.slice(&range));
            Ok(())
        },
    );
    scheduler.staging.uploads.return_chunk(chunk, (stream.queue, stream.last()));
    device.scheduler.notify_change();
    outcome?;
    scheduler.flush_for(Some(stream), stream.seqs())?;
    device.reap(&mut scheduler);
    Ok(())
}

/// Small enough that all threads have something to do, large enough for the bus.
fn part_size(device: &DeviceGuard, size: u64) -> u64 {
    (size / (device.copy_pool.threads() as u64 * 2)).clamp(LEAST_PART, LARGE).next_multiple_of(4096)
}

/// A free chunk of a ring; waits for the GPU or for other calls if all are in use. Only for a thread that holds none: two that wait for
/// a second would wait for each other.
fn take_chunk(device: &DeviceGuard, ring: impl Fn(&mut Staging) -> &mut Ring) -> Result<Chunk> {
    let deadline = device.deadline();
    let mut scheduler = device.lock();
    loop {
        scheduler.check()?;
        let done = scheduler.done();
        device.returned.drain_into(&mut scheduler.staging);
        match ring(&mut scheduler.staging).take(&done)? {
            Taken::Chunk(chunk) => return Ok(chunk),
            Taken::After((queue, number)) => {
                let seqs = scheduler.flush_to(seqs_of(queue, number))?;
                drop(scheduler);
                device.wait_or_fail(&seqs, deadline)?;
                scheduler = device.lock();
            }
            Taken::Held if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Err(device.timed_out()),
            Taken::Held => scheduler = device.wait_for_chunk(scheduler),
        }
    }
}

/// A free chunk of a ring, if there is one now.
fn try_take_chunk(device: &DeviceGuard, ring: impl Fn(&mut Staging) -> &mut Ring) -> Result<Option<Chunk>> {
    let mut scheduler = device.lock();
    scheduler.check()?;
    let done = scheduler.done();
    device.returned.drain_into(&mut scheduler.staging);
    Ok(ring(&mut scheduler.staging).take(&done)?.chunk())
}

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
    // An assertion that did not hold is told behind the read, whose bytes are there all the same.
    scheduler.take_loss(&stream)?;
    if let Some(host_view) = buffer.storage.host_view.filter(|_| buffer.storage.cached) {
        let seqs = scheduler.must_wait_for(buffer.storage.id, &range, false)?;
        if seqs == QueueSeqs::default() && into.len() as u64 <= SMALL {
            // Nothing to wait for: the lock keeps others away for as long as it takes.
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

/// A read by one chunk: the scheduler is taken before the wait, and behind it only if something is to be settled, as many threads may be at
/// the same. The device's order keeps others from the range, and no pin need do so.
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
        // The device may still write it.
        Err(_) => {
            device.lock().staging.small_readbacks.return_chunk(chunk, (stream.queue, number));
            device.scheduler.notify_change();
        }
    }
    outcome?;
    device.finish_wait(Some(stream))
}

/// Has the device copy the range into the chunk.
fn record_read(
    scheduler: &mut Scheduler,
    stream: &Arc<StreamState>,
    buffer: &Arc<Buffer>,
    range: &Range<u64>,
    chunk: &Chunk,
) -> Result<()> {
    let accesses = AccessList::one(buffer, range, Stage::Transfer, false);
    let size = range.end - range.start;
    let recorded = scheduler.record(
        stream,
        &accesses.list,
        || CommandLabel::new("read", size),
        |commands, _, _| {
            commands.copy(buffer.slice(range), chunk.slice().part(0, size));
            Ok(())
        },
    );
    scheduler.host_will_read(stream.queue);
    recorded
}

/// See avx_read_async.
pub(crate) fn read_async(on: Token, buffer: Token, offset: u64, into: &'static mut [MaybeUninit<u8>]) -> Result<()> {
    let size = into.len() as u64;
    let (device, entered) = buffer::enter(buffer)?;
    let stream = device.destination(on)?.live("a read into the host's memory")?;
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
    let source = if size <= SMALL {
        Source::Small(take_chunk(&device, |staging| &mut staging.small_readbacks)?)
    } else if size <= OWN_STAGING {
        match Chunk::new(&device.memory, MemoryKind::Readback, size) {
            Ok(chunk) => Source::Own(chunk),
            // Without the memory to do it later, it is done now.
            Err(_) => return read(on, buffer, offset, into),
        }
    } else {
        return read(on, buffer, offset, into);
    };
    let (Source::Small(chunk) | Source::Own(chunk)) = &source;
    let slice = chunk.slice().part(0, size);
    let mut scheduler = lock_for_access(&device, &accesses)?;
    scheduler.record(
        &stream,
        &accesses.list,
        || CommandLabel::new("read", size),
        |commands, _, _| {
            commands.copy(entered.slice(&range), slice);
            Ok(())
        },
    )?;
    scheduler.host_will_read(stream.queue);
    scheduler.add_pending_read(PendingRead { source, into, queue: stream.queue, submission: stream.last() });
    device.after_recording(&mut scheduler, &stream)
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

fn small(staging: &mut Staging) -> &mut Ring {
    &mut staging.small_readbacks
}

fn large(staging: &mut Staging) -> &mut Ring {
    &mut staging.readbacks
}

/// A part of a read on its way: where the device puts it, the submission that does so, and where the host takes it.
type Part<'a> = (Chunk, u64, &'a mut [MaybeUninit<u8>]);

/// The range is pinned: parts are filled by the device ahead of the threads that empty them.
fn read_staged(
    device: &DeviceGuard,
    stream: &Arc<StreamState>,
    buffer: &Arc<Buffer>,
    offset: u64,
    into: &mut [MaybeUninit<u8>],
) -> Result<()> {
    let size = into.len() as u64;
    let (ring, part): (fn(&mut Staging) -> &mut Ring, u64) = if size <= SMALL { (small, SMALL) } else { (large, part_size(device, size)) };
    let count = size.div_ceil(part) as usize;
    let parts = Lock::<_, { rank::COPY_PARTS }>::new(into.chunks_mut(part as usize).enumerate());
    let outcome = Lock::<_, { rank::COPY_PARTS }>::new(Ok(()));
    let next = || parts.lock().next();
    let start = |chunk: Chunk, (i, bytes): (usize, &'_ mut [MaybeUninit<u8>])| {
        let at = offset + i as u64 * part;
        start_read(device, stream, buffer, &(at..at + bytes.len() as u64), chunk, ring).map(|(chunk, number)| (chunk, number, i))
    };
    let deadline = device.deadline();
    let work = || -> Result<()> {
        let mut ahead: Option<Part<'_>> = None;
        loop {
            let current = match ahead.take() {
                Some(part) => part,
                None => {
                    // A chunk before a part, which would be lost with a failure; nothing is held while it waits.
                    let chunk = take_chunk(device, ring)?;
                    let Some((i, bytes)) = next() else {
                        return_chunk(device, stream, ring, chunk, 0);
                        return Ok(());
                    };
                    let (chunk, number, _) = start(chunk, (i, bytes))?;
                    (chunk, number, bytes)
                }
            };
            // One more keeps the bus busy while this thread copies; it must not wait for it.
            let mut failure = None;
            match try_take_chunk(device, ring) {
                Ok(Some(chunk)) => match next() {
                    Some((i, bytes)) => match start(chunk, (i, bytes)) {
                        Ok((chunk, number, _)) => ahead = Some((chunk, number, bytes)),
                        Err(e) => failure = Some(e),
                    },
                    None => return_chunk(device, stream, ring, chunk, 0),
                },
                Ok(None) => {}
                Err(e) => failure = Some(e),
            }
            let (chunk, number, bytes) = current;
            let waited = device.wait_or_fail(&seqs_of(stream.queue, number), deadline);
            if waited.is_ok() {
                chunk.host_view().read(0, bytes);
            }
            return_chunk(device, stream, ring, chunk, number);
            if let Some(e) = waited.err().or(failure) {
                if let Some((chunk, number, _)) = ahead.take() {
                    return_chunk(device, stream, ring, chunk, number);
                }
                return Err(e);
            }
        }
    };
    device.copy_pool.run(count, || {
        if let Err(e) = work() {
            *outcome.lock() = Err(e);
        }
    });
    outcome.into_inner()
}

fn return_chunk(device: &DeviceGuard, stream: &StreamState, ring: fn(&mut Staging) -> &mut Ring, chunk: Chunk, number: u64) {
    ring(&mut device.lock().staging).return_chunk(chunk, (stream.queue, number));
    device.scheduler.notify_change();
}

/// Has the device copy the range into the chunk; returns it with the submission that does so.
fn start_read(
    device: &DeviceGuard,
    stream: &Arc<StreamState>,
    buffer: &Arc<Buffer>,
    range: &Range<u64>,
    chunk: Chunk,
    ring: fn(&mut Staging) -> &mut Ring,
) -> Result<(Chunk, u64)> {
    let mut scheduler = device.lock();
    let recorded = record_read(&mut scheduler, stream, buffer, range, &chunk);
    let number = stream.last();
    match recorded.and_then(|()| scheduler.flush_for(Some(stream), stream.seqs())) {
        Ok(_) => Ok((chunk, number)),
        Err(e) => {
            ring(&mut scheduler.staging).return_chunk(chunk, (stream.queue, number));
            device.scheduler.notify_change();
            Err(e)
        }
    }
}
