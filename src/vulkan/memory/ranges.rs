//! Keeps track of the free bytes in the slabs of one memory type. The code is pure arithmetic on offsets and needs no GPU.
//!
//! The method is two-level segregated fit (M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a new dynamic memory allocator for real-time
//! systems", ECRTS 2004). Free pieces are in bins: there is a class for each power of two, and each class has 32 bins of equal width. Two
//! bitmaps show which bins have pieces, so that two counts of trailing zeros find a piece that surely fits, however many pieces and slabs
//! there are. A freed piece is merged with its free neighbours at once.
//!
//! All slabs of a memory type ("regions" in this file) share the bins. A request takes a piece of the smallest suitable bin over all
//! regions. A completely free region is in the highest bins and is used only if nothing smaller fits.

/// The number that means no node; the end of a list.
const NONE: u32 = u32::MAX;
/// The value of `Node::next` of a piece in use, which is in no bin.
const USED: u32 = u32::MAX - 1;
/// Each class has `1 << SUB_BITS` bins, so a search misses only pieces that are less than 1/32 larger than the request.
const SUB_BITS: u32 = 5;
/// The number of bins in a class.
const SUBS: usize = 1 << SUB_BITS;
/// The number of classes that cover every u64: one linear class below `SUBS`, then one for each power of two.
const CLASSES: usize = 64 - SUB_BITS as usize + 1;
/// The number of pieces that are checked in the request's own bin if all larger bins are empty.
const WALK: usize = 16;

/// A piece in use. It is neither Clone nor Copy, so that it is freed once, by value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// The offset of its first byte in the region.
    pub(crate) offset: u64,
    /// The number of the region, from `Ranges::add`.
    pub(crate) region: u32,
    /// The node of the piece.
    node: u32,
}

/// A piece of a region, free or in use. In vacant nodes `next` links the list of vacant nodes.
struct Node {
    offset: u64,
    size: u64,
    region: u32,
    /// The neighbours in the region, in the order of offsets.
    before: u32,
    after: u32,
    /// The neighbours in the list of the bin; `next` is USED for a piece in use.
    previous: u32,
    next: u32,
}

/// A range of bytes from 0 that is divided into pieces.
#[derive(Clone, Copy)]
struct Region {
    /// The size in bytes; 0 marks a vacant entry.
    size: u64,
    /// The number of bytes in pieces in use.
    used: u64,
    /// The node at offset 0.
    first: u32,
}

/// The free and used pieces of any number of regions.
pub(crate) struct Ranges {
    nodes: Vec<Node>,
    /// The first vacant node; `next` links the others.
    vacant: u32,
    vacant_count: usize,
    /// Bit c is set if class c has a bin with a piece.
    classes: u64,
    /// Bit s of entry c is set if bin s of class c has a piece.
    subs: [u32; CLASSES],
    /// The first piece of each bin. The list is empty before the first region.
    heads: Vec<u32>,
    regions: Vec<Region>,
}

impl Ranges {
    /// Starts without regions. Allocates no host memory.
    pub(crate) fn new() -> Ranges {
        Ranges { nodes: Vec::new(), vacant: NONE, vacant_count: 0, classes: 0, subs: [0; CLASSES], heads: Vec::new(), regions: Vec::new() }
    }

    /// Adds a free region of `size` bytes and returns its number; `None` if `size` is 0 or the host has no memory.
    pub(crate) fn add(&mut self, size: u64) -> Option<u32> {
        if size == 0 {
            return None;
        }
        if self.heads.is_empty() {
            self.heads.try_reserve_exact(CLASSES * SUBS).ok()?;
            self.heads.resize(CLASSES * SUBS, NONE);
        }
        self.reserve_nodes()?;
        let number = match self.regions.iter().position(|r| r.size == 0) {
            Some(vacant) => vacant,
            None => {
                self.regions.try_reserve(1).ok()?;
                self.regions.push(Region { size: 0, used: 0, first: NONE });
                self.regions.len() - 1
            }
        };
        let region = number as u32;
        let node = self.new_node(Node { offset: 0, size, region, before: NONE, after: NONE, previous: NONE, next: NONE });
        self.regions[number] = Region { size, used: 0, first: node };
        self.link(node);
        Some(region)
    }

    /// Removes a region that has no piece in use. Returns false and changes nothing if a piece is in use or the region does not exist.
    pub(crate) fn remove(&mut self, region: u32) -> bool {
        let Some(entry) = self.regions.get_mut(region as usize) else { return false };
        if entry.size == 0 || entry.used != 0 {
            return false;
        }
        let node = entry.first;
        *entry = Region { size: 0, used: 0, first: NONE };
        self.unlink(node);
        self.drop_node(node);
        true
    }

    /// Takes a piece of `size` bytes (0 counts as 1) whose offset is a multiple of `align`, which is a power of two. Returns `None` if no
    /// region has room, the host has no memory for the bookkeeping, or `align` is not a power of two.
    pub(crate) fn allocate(&mut self, size: u64, align: u64) -> Option<Range> {
        if !align.is_power_of_two() {
            return None;
        }
        let (size, mask) = (size.max(1), align - 1);
        let (node, offset) = self.pick(size, mask)?;
        self.reserve_nodes()?;
        self.unlink(node);
        let piece = &self.nodes[node as usize];
        let (start, end, region, before, after) = (piece.offset, piece.offset + piece.size, piece.region, piece.before, piece.after);
        // The bytes before the aligned offset and after the end stay free. Neither part can be merged, because both neighbours are in use.
        if offset > start {
            let gap = self.new_node(Node { offset: start, size: offset - start, region, before, after: node, previous: NONE, next: NONE });
            self.nodes[node as usize].before = gap;
            match before {
                NONE => self.regions[region as usize].first = gap,
                left => self.nodes[left as usize].after = gap,
            }
            self.link(gap);
        }
        if end > offset + size {
            let tail = offset + size;
            let rest = self.new_node(Node { offset: tail, size: end - tail, region, before: node, after, previous: NONE, next: NONE });
            self.nodes[node as usize].after = rest;
            if after != NONE {
                self.nodes[after as usize].before = rest;
            }
            self.link(rest);
        }
        let piece = &mut self.nodes[node as usize];
        (piece.offset, piece.size, piece.next) = (offset, size, USED);
        self.regions[region as usize].used += size;
        Some(Range { offset, region, node })
    }

    /// Frees a piece and merges it with its free neighbours. Returns false and changes nothing if the piece is not in use here.
    pub(crate) fn free(&mut self, range: Range) -> bool {
        let Range { offset, region, mut node } = range;
        let Some(piece) = self.nodes.get(node as usize) else { return false };
        if piece.next != USED || piece.offset != offset || piece.region != region {
            return false;
        }
        let (before, after) = (piece.before, piece.after);
        self.regions[region as usize].used -= piece.size;
        if after != NONE && self.nodes[after as usize].next != USED {
            self.unlink(after);
            self.absorb(node, after);
        }
        if before != NONE && self.nodes[before as usize].next != USED {
            self.unlink(before);
            self.absorb(before, node);
            node = before;
        }
        self.link(node);
        true
    }

    /// The number of bytes in use in a region; 0 if it does not exist.
    pub(crate) fn used(&self, region: u32) -> u64 {
        self.regions.get(region as usize).map_or(0, |r| r.used)
    }

    /// The size of a region in bytes; 0 if it does not exist.
    pub(crate) fn size(&self, region: u32) -> u64 {
        self.regions.get(region as usize).map_or(0, |r| r.size)
    }

    /// The largest free piece of all regions, in bytes. It walks through a bin, so it is for messages and not for hot paths.
    pub(crate) fn largest_free(&self) -> u64 {
        if self.classes == 0 {
            return 0;
        }
        let class = 63 - self.classes.leading_zeros() as usize;
        let sub = 31 - self.subs[class].leading_zeros() as usize;
        let (mut node, mut largest) = (self.heads[class * SUBS + sub], 0);
        while node != NONE {
            let piece = &self.nodes[node as usize];
            largest = largest.max(piece.size);
            node = piece.next;
        }
        largest
    }

    /// Finds a free piece that has room for `size` bytes at an offset with the bits of `mask` clear. Returns the piece and the offset.
    fn pick(&self, size: u64, mask: u64) -> Option<(u32, u64)> {
        if self.classes == 0 {
            return None;
        }
        let (class, sub) = bin(size);
        let mut node = self.heads[class * SUBS + sub];
        // The request's own bin has pieces that are slightly too small and pieces that are large enough. Its first piece is checked first:
        // a program that frees and allocates the same odd size gets its own piece again, while a piece of a larger bin would be split each
        // time.
        if node != NONE
            && let Some(found) = self.fit(node, size, mask)
        {
            return Some(found);
        }
        if let Some(found) = self.first_of_size(size).and_then(|n| self.fit(n, size, mask)) {
            return Some(found);
        }
        if mask != 0
            && let Some(found) = size.checked_add(mask).and_then(|s| self.first_of_size(s)).and_then(|n| self.fit(n, size, mask))
        {
            return Some(found);
        }
        for _ in 0..WALK {
            if node == NONE {
                break;
            }
            if let Some(found) = self.fit(node, size, mask) {
                return Some(found);
            }
            node = self.nodes[node as usize].next;
        }
        None
    }

    /// The first piece of the lowest bin in which every piece has at least `size` bytes.
    fn first_of_size(&self, size: u64) -> Option<u32> {
        let step = match size.ilog2() {
            log if log > SUB_BITS => (1 << (log - SUB_BITS)) - 1,
            _ => 0,
        };
        let (mut class, mut sub) = bin(size.checked_add(step)?);
        let mut subs = self.subs[class] & (u32::MAX << sub);
        if subs == 0 {
            let classes = self.classes & (u64::MAX << (class + 1));
            if classes == 0 {
                return None;
            }
            class = classes.trailing_zeros() as usize;
            subs = self.subs[class];
        }
        sub = subs.trailing_zeros() as usize;
        Some(self.heads[class * SUBS + sub])
    }

    /// Returns `node` and the offset at which it has room for `size` bytes with the bits of `mask` clear, if it has.
    fn fit(&self, node: u32, size: u64, mask: u64) -> Option<(u32, u64)> {
        let piece = &self.nodes[node as usize];
        let offset = piece.offset.checked_add(mask)? & !mask;
        (offset.checked_add(size)? <= piece.offset + piece.size).then_some((node, offset))
    }

    /// Adds a free piece to its bin.
    fn link(&mut self, node: u32) {
        let (class, sub) = bin(self.nodes[node as usize].size);
        let head = std::mem::replace(&mut self.heads[class * SUBS + sub], node);
        let piece = &mut self.nodes[node as usize];
        (piece.previous, piece.next) = (NONE, head);
        if head != NONE {
            self.nodes[head as usize].previous = node;
        }
        self.classes |= 1 << class;
        self.subs[class] |= 1 << sub;
    }

    /// Removes a free piece from its bin.
    fn unlink(&mut self, node: u32) {
        let piece = &self.nodes[node as usize];
        let (previous, next, (class, sub)) = (piece.previous, piece.next, bin(piece.size));
        if next != NONE {
            self.nodes[next as usize].previous = previous;
        }
        if previous != NONE {
            self.nodes[previous as usize].next = next;
            return;
        }
        self.heads[class * SUBS + sub] = next;
        if next == NONE {
            self.subs[class] &= !(1 << sub);
            if self.subs[class] == 0 {
                self.classes &= !(1 << class);
            }
        }
    }

    /// Merges `right` into its neighbour `left`. Both must be in no bin.
    fn absorb(&mut self, left: u32, right: u32) {
        let gone = &self.nodes[right as usize];
        let (size, after) = (gone.size, gone.after);
        let kept = &mut self.nodes[left as usize];
        kept.size += size;
        kept.after = after;
        if after != NONE {
            self.nodes[after as usize].before = left;
        }
        self.drop_node(right);
    }

    /// Ensures that the next two calls of `new_node` need no host memory.
    fn reserve_nodes(&mut self) -> Option<()> {
        if self.vacant_count < 2 {
            // Numbers from USED on are not valid for nodes.
            if self.nodes.len() >= USED as usize - 2 {
                return None;
            }
            self.nodes.try_reserve(2).ok()?;
        }
        Some(())
    }

    fn new_node(&mut self, node: Node) -> u32 {
        if self.vacant == NONE {
            self.nodes.push(node);
            return (self.nodes.len() - 1) as u32;
        }
        let number = self.vacant;
        self.vacant = self.nodes[number as usize].next;
        self.vacant_count -= 1;
        self.nodes[number as usize] = node;
        number
    }

    fn drop_node(&mut self, node: u32) {
        let piece = &mut self.nodes[node as usize];
        // The invalid region makes `free` reject a stale Range that names this node.
        (piece.size, piece.region, piece.next) = (0, NONE, self.vacant);
        self.vacant = node;
        self.vacant_count += 1;
    }
}

/// The class and the bin in it for a size of at least 1.
fn bin(size: u64) -> (usize, usize) {
    let log = size.ilog2();
    if log < SUB_BITS {
        return (0, size as usize);
    }
    let step = (size >> (log - SUB_BITS)) as usize & (SUBS - 1);
    ((log - SUB_BITS) as usize + 1, step)
}

#[cfg(test)]
mod tests;
