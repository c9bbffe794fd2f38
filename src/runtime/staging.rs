//! Host-visible memory on the way to and from the device: an arena for small uploads, rings of chunks for large transfers.
//!
//! Memory is taken when first needed, kept and reused. A chunk is free again when the submission that used it is done.

use super::error::Result;
use crate::vulkan::{Allocation, Memory, MemoryKind, Slice, Window};
use std::sync::Arc;

/// Transfers up to this go through the arena, and single small chunks for reads.
pub(crate) const SMALL: u64 = 64 << 10;
/// A chunk of a large transfer: big enough for full bandwidth, small enough to overlap copying with the bus.
pub(crate) const LARGE: u64 = 4 << 20;
/// Large chunks in each direction.
const LARGE_COUNT: usize = 4;
/// Small chunks for reads: as many threads can read small things at once.
const SMALL_COUNT: usize = 64;
/// The arena grows by this.
const ARENA: u64 = 256 << 10;

/// A piece of staging memory.
pub(crate) struct Chunk {
    allocation: Allocation,
    window: Window,
}

impl Chunk {
    fn new(memory: &Memory, kind: MemoryKind, size: u64) -> Result<Chunk> {
        let allocation = memory.allocate(kind, size, 256, "avx_gpu staging")?;
        match allocation.window() {
            Some(window) => Ok(Chunk { allocation, window }),
            None => {
                memory.free(allocation);
                Err(super::error::Error::new(super::error::Status::Internal, "staging memory is not host-visible"))
            }
        }
    }

    pub(crate) fn slice(&self) -> Slice {
        self.allocation.slice()
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }
}

/// A bounded set of chunks of one size.
pub(crate) struct Ring {
    memory: Arc<Memory>,
    kind: MemoryKind,
    size: u64,
    limit: usize,
    made: usize,
    /// Chunks that nobody holds, each with the last submission that uses it.
    chunks: Vec<(u64, Chunk)>,
}

/// What a ring answers.
pub(crate) enum Taken {
    Chunk(Chunk),
    /// All are in use; the first will be free when this submission is done.
    After(u64),
    /// All are in the hands of other calls.
    Held,
}

impl Ring {
    fn new(memory: &Arc<Memory>, kind: MemoryKind, size: u64, limit: usize) -> Ring {
        Ring { memory: memory.clone(), kind, size, limit, made: 0, chunks: Vec::new() }
    }

    /// A chunk that the GPU has passed; `done` is the last finished submission.
    pub(crate) fn take(&mut self, done: u64) -> Result<Taken> {
        if let Some(i) = self.chunks.iter().position(|(number, _)| *number <= done) {
            return Ok(Taken::Chunk(self.chunks.swap_remove(i).1));
        }
        if self.made < self.limit {
            match Chunk::new(&self.memory, self.kind, self.size) {
                Ok(chunk) => {
                    self.made += 1;
                    return Ok(Taken::Chunk(chunk));
                }
                // With at least one chunk there is a way on, only slower.
                Err(e) if self.made == 0 => return Err(e),
                Err(_) => {}
            }
        }
        Ok(self.chunks.iter().map(|(number, _)| *number).min().map_or(Taken::Held, Taken::After))
    }

    /// Gives a chunk back, to be used again when submission `last_use` is done.
    pub(crate) fn give_back(&mut self, chunk: Chunk, last_use: u64) {
        self.chunks.push((last_use, chunk));
    }
}

/// Small uploads, one behind the other.
struct Arena {
    memory: Arc<Memory>,
    current: Option<(Chunk, u64)>,
    /// Full chunks, each with the last submission that uses it.
    full: Vec<(u64, Chunk)>,
}

/// All staging memory of a device.
pub(crate) struct Staging {
    arena: Arena,
    pub(crate) uploads: Ring,
    pub(crate) readbacks: Ring,
    pub(crate) small_readbacks: Ring,
}

impl Staging {
    pub(crate) fn new(memory: &Arc<Memory>) -> Staging {
        Staging {
            arena: Arena { memory: memory.clone(), current: None, full: Vec::new() },
            uploads: Ring::new(memory, MemoryKind::Upload, LARGE, LARGE_COUNT),
            readbacks: Ring::new(memory, MemoryKind::Readback, LARGE, LARGE_COUNT),
            small_readbacks: Ring::new(memory, MemoryKind::Readback, SMALL, SMALL_COUNT),
        }
    }

    /// `size` bytes (at most [`SMALL`]) for the submission `number`; `done` is the last finished one. Aligned for every binding.
    pub(crate) fn small(&mut self, size: u64, number: u64, done: u64) -> Result<(Slice, Window, u64)> {
        let arena = &mut self.arena;
        let fits = |used: u64| used + size <= ARENA;
        if arena.current.as_ref().is_none_or(|(_, used)| !fits(*used)) {
            if let Some((chunk, _)) = arena.current.take() {
                arena.full.push((number, chunk));
            }
            let spare = arena.full.iter().position(|(n, _)| *n <= done).map(|i| arena.full.swap_remove(i).1);
            let chunk = match spare {
                Some(chunk) => chunk,
                None => Chunk::new(&arena.memory, MemoryKind::Upload, ARENA)?,
            };
            arena.current = Some((chunk, 0));
        }
        match &mut arena.current {
            Some((chunk, used)) => {
                let at = *used;
                *used = (at + size).next_multiple_of(256);
                Ok((chunk.slice().part(at, size), chunk.window(), at))
            }
            None => Err(super::error::Error::new(super::error::Status::Internal, "the upload arena has no chunk")),
        }
    }
}
