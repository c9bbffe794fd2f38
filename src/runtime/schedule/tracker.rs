//! What the scheduler knows of each buffer: which commands accessed it, what the user has mapped, and which calls work on it now.

use super::hazard::{Access, History, QueueSeqs, Stage, TimelinePoint, overlap};
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::Token;
use crate::vulkan::{Allocation, Slice};
use std::ops::Range;

/// Names a buffer in the [`BufferTracker`].
#[derive(Clone, Copy, Debug, Eq)]
pub(crate) struct BufferId {
    slot: u32,
    /// A slot is used again, but a generation is not, in this slot or another. It is not 0.
    generation: u64,
}

impl PartialEq for BufferId {
    #[inline]
    fn eq(&self, other: &BufferId) -> bool {
        self.generation == other.generation
    }
}

impl std::hash::Hash for BufferId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.generation.hash(state);
    }
}

/// An access of a command to bytes of a buffer.
#[derive(Clone, Debug)]
pub(crate) struct BufferAccess {
    pub(crate) id: BufferId,
    pub(crate) access: Access,
}

impl BufferAccess {
    /// An access to no bytes of no buffer.
    pub(crate) const NONE: BufferAccess = BufferAccess {
        id: BufferId { slot: 0, generation: 0 },
        access: Access { range: 0..0, stage: Stage::Compute, write: false, unordered: false },
    };
}

/// What each command reads of a buffer, in two neighbouring cache lines.
#[repr(align(128))]
pub(crate) struct HotState {
    /// 0 while the slot is free.
    generation: u64,
    /// The generation, while the buffer is neither freed nor mapped nor pinned by a call in progress. Otherwise 0.
    uncontested: u64,
    pub(crate) history: History,
    /// The host reads the memory of the buffer directly.
    pub(crate) host_reads: bool,
}

const _: () = assert!(size_of::<HotState>() == 128);

/// Which buffer a slot tracks, and where it lies.
#[derive(Default)]
pub(crate) struct BufferLocation {
    /// NULL for a buffer without a handle.
    token: Token,
    pub(crate) size: u64,
    /// The memory of the buffer, rounded up to whole words.
    slice: Slice,
}

impl BufferLocation {
    /// A range of the buffer, as the GPU sees it.
    #[inline]
    pub(crate) fn slice(&self, range: &Range<u64>) -> Slice {
        self.slice.part(range.start, range.end - range.start)
    }
}

/// What the host does with a buffer, and the memory of the buffer.
#[derive(Default)]
pub(crate) struct HostState {
    mapped: Option<(Range<u64>, bool)>,
    /// Ranges that calls in progress read or write from the host with no lock held.
    pins: Vec<(Range<u64>, bool)>,
    /// The number of calls in progress that need the memory to stay, whatever else uses it.
    holds: u32,
    allocation: Option<Allocation>,
    freed: bool,
}

impl HostState {
    /// The mapping that the user holds: its range, and whether it may be written.
    pub(crate) fn mapped(&self) -> Option<&(Range<u64>, bool)> {
        self.mapped.as_ref()
    }

    /// True if a call in progress uses bytes of the range from the host in a way that conflicts.
    pub(crate) fn is_pinned(&self, range: &Range<u64>, write: bool) -> bool {
        self.pins.iter().any(|(r, w)| (*w || write) && overlap(r, range))
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct BufferTracker {
    slots: Vec<HotState>,
    /// One for each slot.
    hosts: Vec<HostState>,
    /// One for each slot.
    locations: Vec<BufferLocation>,
    /// The slot here, for each slot of the table of handles.
    by_token: Vec<u32>,
    /// For each slot the last submission that accesses its buffer, in one array, so that a graph looks at thousands quickly.
    newest: Vec<u64>,
    free: Vec<u32>,
    /// The number of buffers that were added.
    generations: u64,
    /// The number of buffers that were freed.
    freed: u64,
    /// The number of mappings and pins that exist.
    busy: usize,
}

impl BufferTracker {
    /// Starts to track a buffer.
    pub(crate) fn add(&mut self, allocation: Option<Allocation>, host_reads: bool) -> BufferId {
        self.generations += 1;
        let generation = self.generations;
        let hot = HotState { generation, uncontested: generation, history: History::default(), host_reads };
        let host = HostState { allocation, ..HostState::default() };
        let slot = match self.free.pop() {
            Some(slot) => {
                let at = slot as usize;
                (self.slots[at], self.hosts[at], self.newest[at]) = (hot, host, 0);
                self.locations[at] = BufferLocation::default();
                slot
            }
            None => {
                self.slots.push(hot);
                self.hosts.push(host);
                self.newest.push(0);
                self.locations.push(BufferLocation::default());
                (self.slots.len() - 1) as u32
            }
        };
        BufferId { slot, generation }
    }

    /// Notes the handle that names a buffer, and where the buffer lies.
    pub(crate) fn name(&mut self, id: BufferId, token: Token, size: u64, slice: Slice) {
        if self.by_token.len() <= token.slot() {
            self.by_token.resize(token.slot() + 1, u32::MAX);
        }
        self.by_token[token.slot()] = id.slot;
        self.locations[id.slot as usize] = BufferLocation { token, size, slice };
    }

    /// The buffer that the handle names, if it is a live buffer of this device and neither mapped nor pinned by a call in progress.
    #[inline]
    pub(crate) fn find(&self, token: Token) -> Option<(BufferId, &HotState, &BufferLocation)> {
        let slot = *self.by_token.get(token.slot())?;
        let location = self.locations.get(slot as usize).filter(|location| location.token == token && !token.is_null())?;
        let hot = self.slots.get(slot as usize).filter(|hot| hot.uncontested != 0)?;
        Some((BufferId { slot, generation: hot.uncontested }, hot, location))
    }

    /// The buffer, freed or not, as long as its slot is not reused.
    #[inline]
    pub(crate) fn get(&self, id: BufferId) -> Option<&HotState> {
        self.slots.get(id.slot as usize).filter(|hot| hot.generation == id.generation)
    }

    /// The buffer, if it is live and neither mapped nor pinned by a call in progress.
    #[inline]
    pub(crate) fn uncontested(&self, id: BufferId) -> Option<&HotState> {
        self.slots.get(id.slot as usize).filter(|hot| hot.uncontested == id.generation)
    }

    /// The buffer, if it was not freed, with what the host does with it.
    pub(crate) fn live(&self, id: BufferId) -> Result<(&HotState, &HostState)> {
        match self.get(id) {
            Some(hot) if !self.hosts[id.slot as usize].freed => Ok((hot, &self.hosts[id.slot as usize])),
            _ => Err(gone()),
        }
    }

    /// True if the buffer was freed.
    pub(crate) fn is_freed(&self, id: BufferId) -> bool {
        self.live(id).is_err()
    }

    /// An epoch that changes whenever a buffer is freed. `None` while any buffer is mapped or pinned. If it has not changed, buffers that
    /// were valid then are valid now.
    pub(crate) fn unchanged_epoch(&self) -> Option<u64> {
        (self.busy == 0).then_some(self.freed)
    }

    /// True if all accesses to the buffer are in submissions up to this one.
    #[inline]
    pub(crate) fn is_older(&self, id: BufferId, submission: u64) -> bool {
        self.newest.get(id.slot as usize).is_some_and(|newest| *newest <= submission)
    }

    /// The buffer, to which the caller adds an access at this point.
    #[inline(always)]
    pub(crate) fn used(&mut self, id: BufferId, at: &TimelinePoint) -> Option<&mut HotState> {
        let slot = id.slot as usize;
        let hot = self.slots.get_mut(slot).filter(|hot| hot.generation == id.generation)?;
        // A batch that was begun earlier in another queue may get its commands later.
        let newest = self.newest.get_mut(slot)?;
        *newest = at.submission.max(*newest);
        Some(hot)
    }

    /// Ends a buffer. The caller frees what this returns after the last use that is returned with it.
    pub(crate) fn free(&mut self, id: BufferId) -> Option<(QueueSeqs, Allocation)> {
        self.unmap(id);
        self.change(id, |host| host.freed = true)?;
        self.freed += 1;
        self.end(id)
    }

    /// Notes that the user maps the range. The buffer has no other mapping.
    pub(crate) fn map(&mut self, id: BufferId, range: Range<u64>, write: bool) -> Result<()> {
        self.change(id, |host| host.mapped = Some((range, write))).ok_or_else(gone)?;
        self.busy += 1;
        Ok(())
    }

    /// Ends the user's mapping. False if there is none.
    pub(crate) fn unmap(&mut self, id: BufferId) -> bool {
        let was = self.change(id, |host| host.mapped.take().is_some()).unwrap_or(false);
        self.busy -= usize::from(was);
        was
    }

    /// Keeps other calls from the range while a call works on it with no lock held. `unpin` ends it.
    pub(crate) fn pin(&mut self, id: BufferId, range: &Range<u64>, write: bool) -> Result<()> {
        self.live(id)?;
        self.change(id, |host| host.pins.push((range.clone(), write)));
        self.busy += 1;
        Ok(())
    }

    /// Ends a pin. Returns the same as `free` if a freed buffer waited for that.
    pub(crate) fn unpin(&mut self, id: BufferId, range: &Range<u64>, write: bool) -> Option<(QueueSeqs, Allocation)> {
        let ended = self.change(id, |host| {
            let at = host.pins.iter().position(|(r, w)| r == range && *w == write);
            at.map(|i| host.pins.swap_remove(i)).is_some()
        });
        self.busy -= usize::from(ended == Some(true));
        self.end(id)
    }

    /// Keeps the memory while a call refers to it. `end_hold` ends it.
    pub(crate) fn hold(&mut self, id: BufferId) -> Result<()> {
        self.live(id)?;
        self.change(id, |host| host.holds += 1);
        Ok(())
    }

    /// Ends a hold. Returns the same as `free` if a freed buffer waited for that.
    pub(crate) fn end_hold(&mut self, id: BufferId) -> Option<(QueueSeqs, Allocation)> {
        self.change(id, |host| host.holds = host.holds.saturating_sub(1));
        self.end(id)
    }

    /// Changes what the host does with a buffer, if the buffer is still tracked.
    fn change<T>(&mut self, id: BufferId, change: impl FnOnce(&mut HostState) -> T) -> Option<T> {
        let hot = self.slots.get_mut(id.slot as usize).filter(|hot| hot.generation == id.generation)?;
        let host = &mut self.hosts[id.slot as usize];
        let changed = change(host);
        let is_uncontested = !host.freed && host.mapped.is_none() && host.pins.is_empty();
        hot.uncontested = if is_uncontested { id.generation } else { 0 };
        Some(changed)
    }

    fn end(&mut self, id: BufferId) -> Option<(QueueSeqs, Allocation)> {
        let slot = id.slot as usize;
        let hot = self.slots.get_mut(slot).filter(|hot| hot.generation == id.generation)?;
        let host = &mut self.hosts[slot];
        if !(host.freed && host.pins.is_empty() && host.holds == 0) {
            return None;
        }
        let (last_use, allocation) = (hot.history.last_use(), host.allocation.take());
        *hot = HotState { generation: 0, uncontested: 0, history: History::default(), host_reads: false };
        self.free.push(id.slot);
        Some((last_use, allocation?))
    }
}

#[cold]
fn gone() -> Error {
    Error::new(Status::InvalidHandle, "the buffer was freed by another thread during this call")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(queue: u8, submission: u64) -> TimelinePoint {
        TimelinePoint { queue, sequence: 1, submission }
    }

    #[test]
    fn the_newest_use_stays_the_newest() {
        let mut tracker = BufferTracker::default();
        let id = tracker.add(None, false);
        assert!(tracker.is_older(id, 0), "never used");
        assert!(tracker.used(id, &at(1, 4)).is_some() && tracker.used(id, &at(0, 2)).is_some());
        assert!(!tracker.is_older(id, 3) && tracker.is_older(id, 4), "the batch with the lower number was begun before");
    }

    #[test]
    fn a_handle_finds_its_buffer_unless_a_call_or_the_user_holds_it() {
        let mut tracker = BufferTracker::default();
        let (own, id) = (tracker.add(None, true), tracker.add(None, false));
        let token = Token(0x8000_0000_4000_0003);
        tracker.name(id, token, 8, Slice::default());
        let found = |tracker: &BufferTracker| tracker.find(token).map(|(found, ..)| found);
        assert_eq!(found(&tracker), Some(id));
        assert!(tracker.find(Token::default()).is_none() && own != id, "one without a handle has no name");
        assert_eq!(tracker.unchanged_epoch(), Some(0));
        tracker.map(id, 0..4, true).unwrap();
        assert_eq!((found(&tracker), tracker.unchanged_epoch()), (None, None));
        assert!(tracker.unmap(id) && !tracker.unmap(id));
        tracker.pin(id, &(0..4), false).unwrap();
        assert_eq!((found(&tracker), tracker.unchanged_epoch()), (None, None));
        assert!(tracker.free(id).is_none() && tracker.is_freed(id), "a call works on it");
        tracker.unpin(id, &(0..4), false);
        assert_eq!((found(&tracker), tracker.unchanged_epoch()), (None, Some(1)));
        let next = tracker.add(None, false);
        assert!(next != id && found(&tracker).is_none(), "the slot is used again, and not by that name");
    }
}
