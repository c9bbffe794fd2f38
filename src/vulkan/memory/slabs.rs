//! The slabs of one memory type: when to create one, how large, and when to return it. The code is pure: a slab's block is any type `B`.
//!
//! Slabs grow with use: each time the driver is asked, the size of the next slab doubles, up to a bound that depends on the heap. A request
//! above half of the size of the next slab gets a slab of its own size instead. A program with a few buffers therefore reserves what it
//! requests, and a program with many soon has slabs that serve them without the driver. Empty slabs are kept up to another bound that
//! depends on the heap. Programs that allocate and free repeatedly then do not call the driver, which takes hundreds of microseconds and,
//! for large pieces, milliseconds.

use super::ranges::{Range, Ranges};

/// The size of the first slab in bytes, if the bound allows it.
const FIRST: u64 = 1 << 20;

/// The way to serve a request for which no slab has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// A new slab of this many bytes.
    Slab(u64),
    /// A block for this request alone, which is returned with it. It is larger than what may be kept.
    Own,
}

/// The slabs of one memory type.
pub(crate) struct Slabs<B> {
    ranges: Ranges,
    /// The block of each region of `ranges`.
    blocks: Vec<Option<B>>,
    /// The empty regions that are kept, and their total size in bytes.
    spare: Vec<u32>,
    spare_bytes: u64,
    /// The number of bytes of empty slabs that may be kept.
    keep: u64,
    /// The size of the next slab in bytes.
    next: u64,
    /// The size of the largest slab in bytes.
    largest: u64,
}

/// The size of the largest slab in a heap of `heap` bytes, where one block may have at most `limit` bytes. It is 64 MiB. It is more on
/// heaps so large that blocks of 64 MiB would come near the 4,096 allocations that a driver must allow, and less on heaps where 64 MiB are
/// more than a sixteenth.
pub(crate) fn largest_slab(heap: u64, limit: u64) -> u64 {
    let wanted = (heap / 512).clamp(64 << 20, 256 << 20).min(heap / 16).min(limit).max(64 << 10);
    1 << wanted.ilog2()
}

/// The number of bytes of empty slabs of one memory type that are kept in a heap of `heap` bytes.
pub(crate) fn kept(heap: u64) -> u64 {
    (heap / 32).min(4 << 30)
}

impl<B> Slabs<B> {
    /// Starts without slabs. Shared slabs will have at most `largest` bytes. `keep` bytes of empty slabs are kept, which is raised to the
    /// size of one such slab.
    pub(crate) fn new(largest: u64, keep: u64) -> Slabs<B> {
        let keep = keep.max(largest);
        Slabs { ranges: Ranges::new(), blocks: Vec::new(), spare: Vec::new(), spare_bytes: 0, keep, next: FIRST.min(largest), largest }
    }

    /// Takes a piece of `size` bytes at a multiple of `align`, if a slab has room. Also returns the block of the slab.
    pub(crate) fn allocate(&mut self, size: u64, align: u64) -> Option<(Range, &B)> {
        let range = self.ranges.allocate(size, align)?;
        if self.ranges.used(range.region) == size
            && let Some(i) = self.spare.iter().position(|spare| *spare == range.region)
        {
            self.spare.swap_remove(i);
            self.spare_bytes -= self.ranges.size(range.region);
        }
        match self.blocks.get(range.region as usize) {
            Some(Some(block)) => Some((range, block)),
            // Every region has a block from `add` to `remove`.
            _ => None,
        }
    }

    /// The way to serve `size` bytes if `allocate` has no room. Callers report success by `made`.
    pub(crate) fn plan(&self, size: u64) -> Plan {
        match size {
            _ if size <= self.next / 2 => Plan::Slab(self.next),
            _ if size <= self.keep => Plan::Slab(size),
            _ => Plan::Own,
        }
    }

    /// Reports that the driver served the plan for `size` bytes, so the next slab may be larger.
    pub(crate) fn made(&mut self, size: u64) {
        if size <= self.largest / 2 {
            self.next = (self.next * 2).min(self.largest);
        }
    }

    /// Adds a new, empty slab of `size` bytes. Returns the block if the host has no memory for the bookkeeping.
    pub(crate) fn add(&mut self, size: u64, block: B) -> Result<(), B> {
        if self.blocks.try_reserve(1).is_err() {
            return Err(block);
        }
        let Some(region) = self.ranges.add(size) else { return Err(block) };
        let index = region as usize;
        // The numbers of regions are dense: a new one is at most one past the last.
        if index >= self.blocks.len() {
            self.blocks.push(None);
        }
        self.blocks[index] = Some(block);
        Ok(())
    }

    /// Frees a piece. Callers then destroy the blocks that `surplus` returns.
    pub(crate) fn free(&mut self, range: Range) {
        let region = range.region;
        if self.ranges.free(range) && self.ranges.used(region) == 0 {
            self.spare.push(region);
            self.spare_bytes += self.ranges.size(region);
        }
    }

    /// Removes an empty slab beyond the bound and returns its block, which the caller destroys. Callers repeat this after `free` until it
    /// returns `None`.
    pub(crate) fn surplus(&mut self) -> Option<B> {
        if self.spare_bytes <= self.keep {
            return None;
        }
        // The smallest slab is removed, because larger ones can serve more requests.
        let i = (0..self.spare.len()).min_by_key(|&i| self.ranges.size(self.spare[i]))?;
        let gone = self.spare.swap_remove(i);
        self.spare_bytes -= self.ranges.size(gone);
        self.remove(gone)
    }

    /// Removes all empty slabs and returns their blocks, which the caller destroys. The growth of slabs starts over.
    pub(crate) fn trim(&mut self) -> Vec<B> {
        self.next = FIRST.min(self.largest);
        self.spare_bytes = 0;
        let spare = std::mem::take(&mut self.spare);
        spare.into_iter().filter_map(|region| self.remove(region)).collect()
    }

    /// All blocks, also those in use, for the end of the memory.
    pub(crate) fn into_blocks(self) -> impl Iterator<Item = B> {
        self.blocks.into_iter().flatten()
    }

    /// The size of the largest free piece in bytes, for messages.
    pub(crate) fn largest_free(&self) -> u64 {
        self.ranges.largest_free()
    }

    fn remove(&mut self, region: u32) -> Option<B> {
        if !self.ranges.remove(region) {
            return None;
        }
        self.blocks.get_mut(region as usize)?.take()
    }
}

#[cfg(test)]
mod tests;
