//! Host-visible memory on the way to and from the device: arenas for small uploads and for small reads that are delivered later, and rings
//! of chunks for the rest.
//!
//! Memory is allocated when it is first needed, and is kept and reused. A chunk is free again when the submission that used it is done.

use super::hazard::{MAX_QUEUES, QueueSeqs};
use crate::runtime::base::error::Result;
use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::vulkan::{Allocation, HostView, Memory, MemoryKind, Slice};
use std::collections::VecDeque;
use std::sync::Arc;

/// The largest transfer that goes through an arena, or through a small chunk for reads.
pub(crate) const SMALL: u64 = 64 << 10;
/// A chunk of a large transfer: big enough for full bandwidth, small enough to overlap copying with the bus.
pub(crate) const LARGE: u64 = 4 << 20;
/// The number of large chunks in each direction: three for each of eight threads, so that one is being filled, one is on the bus and one is
/// between.
const LARGE_COUNT: usize = 24;
/// The number of small chunks for reads. As many threads can read small ranges at once.
const SMALL_COUNT: usize = 64;
/// An arena grows by this many bytes.
const ARENA: u64 = 256 << 10;
/// What lies in an arena starts at multiples of this.
const ARENA_ALIGN: u64 = 256;

/// The most bytes that asynchronous writes in flight take beyond the ring. The documentation of avx_write_async names the number.
const MAX_SURPLUS: u64 = 1 << 30;

/// The bytes that `size` bytes take in an arena.
pub(crate) fn in_arena(size: u64) -> u64 {
    size.checked_next_multiple_of(ARENA_ALIGN).unwrap_or(u64::MAX)
}

/// A piece of staging memory.
pub(crate) struct Chunk {
    allocation: Allocation,
    host_view: HostView,
}

impl Chunk {
    /// Allocates memory for one chunk. The caller frees it by [`Chunk::into_allocation`].
    pub(crate) fn new(memory: &Memory, kind: MemoryKind, size: u64) -> Result<Chunk> {
        let allocation = memory.allocate(kind, size, 256, "avx_gpu staging")?;
        match allocation.host_view() {
            Some(host_view) => Ok(Chunk { allocation, host_view }),
            None => {
                memory.free(allocation);
                Err(crate::runtime::base::error::Error::new(
                    crate::runtime::base::error::Status::Internal,
                    "staging memory is not host-visible",
                ))
            }
        }
    }

    pub(crate) fn slice(&self) -> Slice {
        self.allocation.slice()
    }

    pub(crate) fn host_view(&self) -> HostView {
        self.host_view
    }

    /// The memory of the chunk, to be freed.
    pub(crate) fn into_allocation(self) -> Allocation {
        self.allocation
    }
}

/// A bounded set of chunks of one size.
pub(crate) struct Ring {
    memory: Arc<Memory>,
    kind: MemoryKind,
    size: u64,
    limit: usize,
    made: usize,
    /// Chunks that no call holds, each with the last submission that uses it.
    chunks: Vec<(SubmissionId, Chunk)>,
}

/// A queue and a submission of it.
pub(crate) type SubmissionId = (u8, u64);

fn is_done((queue, number): SubmissionId, done: &QueueSeqs) -> bool {
    number <= done[usize::from(queue)]
}

/// What a ring returns.
pub(crate) enum Taken {
    Chunk(Chunk),
    /// All chunks are in use. The first one will be free when this submission is done.
    After(SubmissionId),
    /// Other calls hold all chunks.
    Held,
}

impl Taken {
    /// The chunk, if there is one now.
    pub(crate) fn chunk(self) -> Option<Chunk> {
        if let Taken::Chunk(chunk) = self { Some(chunk) } else { None }
    }
}

impl Ring {
    fn new(memory: &Arc<Memory>, kind: MemoryKind, size: u64, limit: usize) -> Ring {
        Ring { memory: memory.clone(), kind, size, limit, made: 0, chunks: Vec::new() }
    }

    /// A chunk that the GPU has passed. `done` are the last submissions that are done.
    pub(crate) fn take(&mut self, done: &QueueSeqs) -> Result<Taken> {
        if let Some(i) = self.chunks.iter().position(|(last_use, _)| is_done(*last_use, done)) {
            return Ok(Taken::Chunk(self.chunks.swap_remove(i).1));
        }
        if self.made < self.limit {
            match Chunk::new(&self.memory, self.kind, self.size) {
                Ok(chunk) => {
                    self.made += 1;
                    return Ok(Taken::Chunk(chunk));
                }
                // One chunk is enough to go on, if slowly.
                Err(e) if self.made == 0 => return Err(e),
                Err(_) => {}
            }
        }
        Ok(self.chunks.iter().map(|(last_use, _)| *last_use).min_by_key(|(_, number)| *number).map_or(Taken::Held, Taken::After))
    }

    /// Returns a chunk to the ring. It can be used again once its last submission is done.
    pub(crate) fn return_chunk(&mut self, chunk: Chunk, last_use: SubmissionId) {
        self.chunks.push((last_use, chunk));
    }

    /// Frees the chunks that nothing uses.
    fn trim(&mut self, done: &QueueSeqs) {
        for (_, chunk) in self.chunks.extract_if(.., |(last_use, _)| is_done(*last_use, done)) {
            self.made -= 1;
            self.memory.free(chunk.allocation);
        }
    }
}

/// Small chunks of a ring that the device has passed, and that reading threads returned without the scheduler's lock.
#[derive(Default)]
pub(crate) struct Returned(Lock<Vec<(SubmissionId, Chunk)>, { rank::RETURNED_CHUNKS }>);

impl Returned {
    fn list(&self) -> Guard<'_, Vec<(SubmissionId, Chunk)>> {
        self.0.lock()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    pub(crate) fn return_chunk(&self, chunk: Chunk, last_use: SubmissionId) {
        self.list().push((last_use, chunk));
    }

    /// Takes one of the chunks, if there is one.
    pub(crate) fn take(&self) -> Option<Chunk> {
        self.list().pop().map(|(_, chunk)| chunk)
    }

    /// Moves all chunks into their ring.
    pub(crate) fn drain_into(&self, staging: &mut Staging) {
        staging.small_readbacks.chunks.append(&mut self.list());
    }
}

/// Small transfers of one queue in one direction, one after the other.
pub(crate) struct Arena {
    memory: Arc<Memory>,
    kind: MemoryKind,
    current: Option<(Chunk, u64)>,
    /// Full chunks, each with the last submission that uses it.
    full: Vec<(u64, Chunk)>,
}

/// Counts the memory that asynchronous writes take beyond the ring. The memory itself is freed like any other that the GPU has passed.
#[derive(Default)]
pub(crate) struct Surplus {
    bytes: u64,
    /// For each queue the submissions that use some, in order, with their bytes.
    in_flight: [VecDeque<(u64, u64)>; MAX_QUEUES],
}

impl Surplus {
    /// Counts `size` bytes. False if that would be too much. `done` are the last submissions that are done.
    pub(crate) fn reserve(&mut self, size: u64, done: &QueueSeqs) -> bool {
        for (queue, in_flight) in self.in_flight.iter_mut().enumerate() {
            let passed = in_flight.partition_point(|(number, _)| *number <= done[queue]);
            self.bytes -= in_flight.drain(..passed).map(|(_, bytes)| bytes).sum::<u64>();
        }
        let has_room = self.bytes + size <= MAX_SURPLUS;
        if has_room {
            self.bytes += size;
        }
        has_room
    }

    /// The reserved bytes are free again once this submission is done.
    pub(crate) fn used_until(&mut self, size: u64, (queue, number): SubmissionId) {
        self.in_flight[usize::from(queue)].push_back((number, size));
    }

    /// The reserved bytes were not used.
    pub(crate) fn release(&mut self, size: u64) {
        self.bytes -= size;
    }
}

/// All staging memory of a device.
pub(crate) struct Staging {
    arenas: Vec<Arena>,
    /// For each queue the reads that are delivered later.
    read_arenas: Vec<Arena>,
    pub(crate) surplus: Surplus,
    pub(crate) uploads: Ring,
    pub(crate) readbacks: Ring,
    pub(crate) small_readbacks: Ring,
}

impl Staging {
    pub(crate) fn new(memory: &Arc<Memory>, queues: usize) -> Staging {
        Staging {
            arenas: (0..queues).map(|_| Arena::new(memory, MemoryKind::Upload)).collect(),
            read_arenas: (0..queues).map(|_| Arena::new(memory, MemoryKind::Readback)).collect(),
            surplus: Surplus::default(),
            uploads: Ring::new(memory, MemoryKind::Upload, LARGE, LARGE_COUNT),
            readbacks: Ring::new(memory, MemoryKind::Readback, LARGE, LARGE_COUNT),
            small_readbacks: Ring::new(memory, MemoryKind::Readback, SMALL, SMALL_COUNT),
        }
    }

    /// The arena of a queue.
    pub(crate) fn arena(&mut self, queue: u8) -> &mut Arena {
        &mut self.arenas[usize::from(queue)]
    }

    /// The arena of a queue for reads that are delivered later.
    pub(crate) fn read_arena(&mut self, queue: u8) -> &mut Arena {
        &mut self.read_arenas[usize::from(queue)]
    }

    /// Frees the memory that nothing uses. `done` are the last submissions that are done, and `delivered` the last ones whose reads are
    /// delivered.
    pub(crate) fn trim(&mut self, done: &QueueSeqs, delivered: &QueueSeqs) {
        for ring in [&mut self.uploads, &mut self.readbacks, &mut self.small_readbacks] {
            ring.trim(done);
        }
        for (arenas, done) in [(&mut self.arenas, done), (&mut self.read_arenas, delivered)] {
            arenas.iter_mut().zip(done).for_each(|(arena, done)| arena.trim(*done));
        }
    }
}

impl Arena {
    fn new(memory: &Arc<Memory>, kind: MemoryKind) -> Arena {
        Arena { memory: memory.clone(), kind, current: None, full: Vec::new() }
    }

    /// Frees the full chunks that nothing uses.
    fn trim(&mut self, done: u64) {
        for (_, chunk) in self.full.extract_if(.., |(number, _)| *number <= done) {
            self.memory.free(chunk.allocation);
        }
    }

    /// Returns `size` bytes (at most [`SMALL`]) for the submission `number`. `done` is the last submission of the queue after which nothing
    /// uses the bytes any more. The bytes are aligned for every binding.
    pub(crate) fn take(&mut self, size: u64, number: u64, done: u64) -> Result<(Slice, HostView, u64)> {
        let fits = |used: u64| used + size <= ARENA;
        if self.current.as_ref().is_none_or(|(_, used)| !fits(*used)) {
            if let Some((chunk, _)) = self.current.take() {
                self.full.push((number, chunk));
            }
            let spare = self.full.iter().position(|(n, _)| *n <= done).map(|i| self.full.swap_remove(i).1);
            let chunk = match spare {
                Some(chunk) => chunk,
                None => Chunk::new(&self.memory, self.kind, ARENA)?,
            };
            self.current = Some((chunk, 0));
        }
        match &mut self.current {
            Some((chunk, used)) => {
                let at = *used;
                *used = at + in_arena(size);
                Ok((chunk.slice().part(at, size), chunk.host_view(), at))
            }
            None => Err(crate::runtime::base::error::Error::new(crate::runtime::base::error::Status::Internal, "the arena has no chunk")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asynchronous_writes_take_a_bounded_amount_of_memory() {
        let mut surplus = Surplus::default();
        let none = [0; MAX_QUEUES];
        for number in 1..=MAX_SURPLUS / LARGE {
            assert!(surplus.reserve(LARGE, &none));
            surplus.used_until(LARGE, (1, number));
        }
        assert!(!surplus.reserve(1, &none));
        assert!(surplus.reserve(2 * LARGE, &[0, 2, 0, 0]) && !surplus.reserve(1, &[0, 2, 0, 0]));
        surplus.release(2 * LARGE);
        assert!(surplus.reserve(LARGE, &none));
    }
}
