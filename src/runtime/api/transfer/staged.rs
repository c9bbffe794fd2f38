//! Transfers through staging memory.

use crate::runtime::base::error::Result;
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::object::buffer::Buffer;
use crate::runtime::schedule::deferred_free::Deferred;
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::hazard::{Stage, seqs_of};
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::staging::{Chunk, LARGE, Ring, SMALL, Staging, Taken};
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::stream::access::AccessList;
use crate::vulkan::MemoryKind;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// The smallest part of a transfer that several threads share.
const LEAST_PART: u64 = 256 << 10;

/// How long the library may use the host's memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The caller gets it back when the call returns.
    Call,
    /// The caller gets it back when the stream has passed the write.
    Stream,
}

/// Writes part by part; some parts are on the bus while others are filled. The caller has pinned the range. With `Keep::Stream` the staging
/// memory grows, within a bound, before the call waits for the device.
pub(super) fn write_large(
    device: &DeviceGuard,
    stream: &Arc<StreamState>,
    buffer: &Arc<Buffer>,
    offset: u64,
    data: &[u8],
    keep: Keep,
) -> Result<()> {
    let part = part_size(device, data.len() as u64);
    let parts = Lock::<_, { rank::COPY_PARTS }>::new(data.chunks(part as usize).enumerate());
    let outcome = Lock::<_, { rank::COPY_PARTS }>::new(Ok(()));
    let count = data.len().div_ceil(part as usize);
    device.copy_pool.run(count, || {
        loop {
            let next = parts.lock().next();
            let Some((i, bytes)) = next else { return };
            if let Err(e) = write_part(device, stream, buffer, offset + i as u64 * part, bytes, keep) {
                *outcome.lock() = Err(e);
                return;
            }
        }
    });
    outcome.into_inner()
}

fn write_part(device: &DeviceGuard, stream: &Arc<StreamState>, buffer: &Arc<Buffer>, at: u64, bytes: &[u8], keep: Keep) -> Result<()> {
    let size = bytes.len() as u64;
    let surplus = if keep == Keep::Stream { Upload::without_wait(device, size)? } else { None };
    let upload = match surplus {
        Some(upload) => upload,
        None => Upload::Ring(take_chunk(device, |staging| &mut staging.uploads)?),
    };
    let (Upload::Ring(chunk) | Upload::Surplus(chunk)) = &upload;
    chunk.host_view().write(0, bytes);
    let range = at..at + size;
    let accesses = AccessList::one(buffer, &range, Stage::Transfer, true);
    let mut scheduler = device.lock();
    let outcome = scheduler.record(
        stream,
        &accesses.list,
        || CommandLabel::new("write", size),
        |commands, _, _| {
            commands.copy(chunk.slice().part(0, size), buffer.slice(&range));
            Ok(())
        },
    );
    let last_use = (stream.queue, stream.last());
    match upload {
        Upload::Ring(chunk) => scheduler.staging.uploads.return_chunk(chunk, last_use),
        Upload::Surplus(chunk) => {
            scheduler.staging.surplus.used_until(size, last_use);
            scheduler.defer_drop(stream.seqs(), Deferred::Memory(chunk.into_allocation()));
        }
    }
    device.scheduler.notify_change();
    outcome?;
    scheduler.flush_for(Some(stream), stream.seqs())?;
    device.reap(&mut scheduler);
    Ok(())
}

/// A chunk that a part of a write goes through.
enum Upload {
    Ring(Chunk),
    /// Memory beyond the ring, which is freed once the device has passed it.
    Surplus(Chunk),
}

impl Upload {
    /// A chunk for `size` bytes that is there now: one of the ring, or one beyond it. `None` if asynchronous writes take as much memory as
    /// they may, or if there is no memory.
    fn without_wait(device: &DeviceGuard, size: u64) -> Result<Option<Upload>> {
        let mut scheduler = device.lock();
        scheduler.check()?;
        let done = scheduler.done();
        if let Some(chunk) = scheduler.staging.uploads.take(&done)?.chunk() {
            return Ok(Some(Upload::Ring(chunk)));
        }
        // A chunk may be free without the driver having been asked.
        let done = scheduler.poll()?;
        if let Some(chunk) = scheduler.staging.uploads.take(&done)?.chunk() {
            return Ok(Some(Upload::Ring(chunk)));
        }
        if !scheduler.staging.surplus.reserve(size, &done) {
            return Ok(None);
        }
        device.reap(&mut scheduler);
        drop(scheduler);
        match Chunk::new(&device.memory, MemoryKind::Upload, size) {
            Ok(chunk) => Ok(Some(Upload::Surplus(chunk))),
            Err(_) => {
                device.lock().staging.surplus.release(size);
                Ok(None)
            }
        }
    }
}

/// The size of a part: small enough for all threads to have one, and large enough for the bus.
fn part_size(device: &DeviceGuard, size: u64) -> u64 {
    (size / (device.copy_pool.threads() as u64 * 2)).clamp(LEAST_PART, LARGE).next_multiple_of(4096)
}

/// Takes a free chunk of a ring. If all are in use, waits for the GPU or for other calls. The calling thread must hold no chunk: two
/// threads that wait for a second one would wait for each other.
pub(super) fn take_chunk(device: &DeviceGuard, ring: impl Fn(&mut Staging) -> &mut Ring) -> Result<Chunk> {
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

/// Takes a free chunk of a ring, if there is one now.
fn try_take_chunk(device: &DeviceGuard, ring: impl Fn(&mut Staging) -> &mut Ring) -> Result<Option<Chunk>> {
    let mut scheduler = device.lock();
    scheduler.check()?;
    let done = scheduler.done();
    device.returned.drain_into(&mut scheduler.staging);
    Ok(ring(&mut scheduler.staging).take(&done)?.chunk())
}

/// Has the device copy the range into the chunk.
pub(super) fn record_read(
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

fn small(staging: &mut Staging) -> &mut Ring {
    &mut staging.small_readbacks
}

fn large(staging: &mut Staging) -> &mut Ring {
    &mut staging.readbacks
}

/// A part of a read: the chunk that the device fills, the submission that fills it, and the memory that the host copies it to.
type Part<'a> = (Chunk, u64, &'a mut [MaybeUninit<u8>]);

/// Reads part by part; the device fills parts ahead of the threads that empty them. The caller has pinned the range.
pub(super) fn read_staged(
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
                    // The chunk is taken before the part, because a failure would lose the part. The thread holds nothing while it waits.
                    let chunk = take_chunk(device, ring)?;
                    let Some((i, bytes)) = next() else {
                        return_chunk(device, stream, ring, chunk, 0);
                        return Ok(());
                    };
                    let (chunk, number, _) = start(chunk, (i, bytes))?;
                    (chunk, number, bytes)
                }
            };
            // One more part keeps the bus busy while this thread copies. The thread must not wait for it.
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

/// Has the device copy the range into the chunk. Returns the chunk with the submission that fills it.
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
