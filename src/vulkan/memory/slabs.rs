//! The slabs of one memory type: when to make one, how large, and when to give it back. Pure: a slab's block is any `B`.
//!
//! Slabs grow with use: the size of the next one doubles with each time the driver is asked, up to a bound that follows the heap. A
//! request above half of the next slab gets a slab of its own size instead, so that a program with a few buffers reserves what it
//! asked for, and one with many soon has slabs that serve them without the driver. Empty slabs are kept up to a bound that follows the
//! heap too, so that programs which allocate and free again and again do not reach the driver, which takes hundreds of microseconds and,
//! for large pieces, milliseconds.

use super::ranges::{Range, Ranges};

/// Bytes of the first slab, where the bound allows it.
const FIRST: u64 = 1 << 20;

/// How to serve a request that no slab has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// A new slab of so many bytes.
    Slab(u64),
    /// A block for this request alone, given back with it: it is larger than all that is kept.
    Own,
}

/// The slabs of one memory type.
pub(crate) struct Slabs<B> {
    ranges: Ranges,
    /// The block of each region of `ranges`.
    blocks: Vec<Option<B>>,
    /// The regions that are kept although nothing in them is in use, and their bytes.
    spare: Vec<u32>,
    spare_bytes: u64,
    /// Bytes of empty slabs that are kept.
    keep: u64,
    /// Bytes of the next slab.
    next: u64,
    /// Bytes of the largest slab.
    largest: u64,
}

/// Bytes of the largest slab in a heap of `heap` bytes where one piece may have at most `limit` bytes: 64 MiB, more on heaps so large
/// that 64 MiB pieces would come near the 4,096 allocations that a driver must allow, less where that is a sixteenth of the heap.
pub(crate) fn largest_slab(heap: u64, limit: u64) -> u64 {
    let wanted = (heap / 512).clamp(64 << 20, 256 << 20).min(heap / 16).min(limit).max(64 << 10);
    1 << wanted.ilog2()
}

/// Bytes of empty slabs of one memory type that are kept in a heap of `heap` bytes.
pub(crate) fn kept(heap: u64) -> u64 {
    (heap / 32).min(4 << 30)
}

impl<B> Slabs<B> {
    /// No slab yet; slabs for many will not be larger than `largest` bytes, and `keep` bytes of empty ones are kept, enough for one
    /// such slab in any case.
    pub(crate) fn new(largest: u64, keep: u64) -> Slabs<B> {
        let keep = keep.max(largest);
        Slabs { ranges: Ranges::new(), blocks: Vec::new(), spare: Vec::new(), spare_bytes: 0, keep, next: FIRST.min(largest), largest }
    }

    /// A piece of `size` bytes at a multiple of `align`, and the block of its slab, if a slab has room.
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
            // Each region has its block from `add` to `remove`.
            _ => None,
        }
    }

    /// What to make for `size` bytes when `allocate` has no room. Does not count as made: say `made` when it is.
    pub(crate) fn plan(&self, size: u64) -> Plan {
        match size {
            _ if size <= self.next / 2 => Plan::Slab(self.next),
            _ if size <= self.keep => Plan::Slab(size),
            _ => Plan::Own,
        }
    }

    /// The driver gave what `plan` said for `size` bytes: the next slab may be larger.
    pub(crate) fn made(&mut self, size: u64) {
        if size <= self.largest / 2 {
            self.next = (self.next * 2).min(self.largest);
        }
    }

    /// Takes a new slab of `size` bytes, all free. Gives the block back if the host has no memory for the bookkeeping.
    pub(crate) fn add(&mut self, size: u64, block: B) -> Result<(), B> {
        if self.blocks.try_reserve(1).is_err() {
            return Err(block);
        }
        let Some(region) = self.ranges.add(size) else { return Err(block) };
        let index = region as usize;
        // Numbers are dense: a new one is at most one past the last.
        if index >= self.blocks.len() {
            self.blocks.push(None);
        }
        self.blocks[index] = Some(block);
        Ok(())
    }

    /// Frees a piece. `surplus` says what that leaves to be destroyed.
    pub(crate) fn free(&mut self, range: Range) {
        let region = range.region;
        if self.ranges.free(range) && self.ranges.used(region) == 0 {
            self.spare.push(region);
            self.spare_bytes += self.ranges.size(region);
        }
    }

    /// The block of an empty slab beyond the bound, which the caller destroys: to be asked after `free` until there is none.
    pub(crate) fn surplus(&mut self) -> Option<B> {
        if self.spare_bytes <= self.keep {
            return None;
        }
        // The smallest goes: the larger ones serve more.
        let i = (0..self.spare.len()).min_by_key(|&i| self.ranges.size(self.spare[i]))?;
        let gone = self.spare.swap_remove(i);
        self.spare_bytes -= self.ranges.size(gone);
        self.remove(gone)
    }

    /// The blocks of the empty slabs that were kept: the caller destroys them. Growth starts over.
    pub(crate) fn trim(&mut self) -> Vec<B> {
        self.next = FIRST.min(self.largest);
        self.spare_bytes = 0;
        let spare = std::mem::take(&mut self.spare);
        spare.into_iter().filter_map(|region| self.remove(region)).collect()
    }

    /// All blocks, whatever is in use: for the end.
    pub(crate) fn into_blocks(self) -> impl Iterator<Item = B> {
        self.blocks.into_iter().flatten()
    }

    /// Bytes of the largest free piece: for messages.
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
