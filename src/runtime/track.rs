//! What the engine knows of each buffer: what used it, what the user has mapped, which calls work on it just now.

use super::error::{Error, Result, Status};
use super::hazard::{Clock, History, Stage, Use};
use crate::vulkan::Allocation;
use std::ops::Range;

/// Names a buffer's [`Track`] in the engine.
#[derive(Clone, Copy, Debug, Eq)]
pub(crate) struct TrackId {
    slot: u32,
    /// A slot is used again; its generation is not, nor is it any other slot's. None is 0.
    generation: u64,
}

impl PartialEq for TrackId {
    #[inline]
    fn eq(&self, other: &TrackId) -> bool {
        self.generation == other.generation
    }
}

impl std::hash::Hash for TrackId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.generation.hash(state);
    }
}

/// A use of a buffer's bytes by a command.
#[derive(Clone, Debug)]
pub(crate) struct Touch {
    pub(crate) track: TrackId,
    pub(crate) of: Use,
}

impl Touch {
    /// Of no bytes of no buffer.
    pub(crate) const NONE: Touch =
        Touch { track: TrackId { slot: 0, generation: 0 }, of: Use { range: 0..0, stage: Stage::Compute, write: false, unordered: false } };
}

/// See the module.
pub(crate) struct Track {
    generation: u64,
    pub(crate) history: History,
    /// The mapping that the user holds: its range, and whether it may be written.
    pub(crate) mapped: Option<(Range<u64>, bool)>,
    /// Ranges that calls in progress read or write from the host, with no lock held.
    pins: Vec<(Range<u64>, bool)>,
    /// Calls in progress that need the memory to stay, whoever uses it meanwhile.
    holds: u32,
    allocation: Option<Allocation>,
    freed: bool,
    /// The host reads its memory directly.
    pub(crate) host_reads: bool,
}

impl Track {
    /// True if nobody has mapped it and no call in progress works on it.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.mapped.is_none() && self.pins.is_empty()
    }

    /// True if a call in progress uses bytes of the range from the host in a way that conflicts.
    pub(crate) fn is_pinned(&self, range: &Range<u64>, write: bool) -> bool {
        self.pins.iter().any(|(r, w)| (*w || write) && r.start < range.end && range.start < r.end)
    }
}

/// The tracks of all buffers of a device.
#[derive(Default)]
pub(crate) struct Tracks {
    slots: Vec<Option<Track>>,
    free: Vec<u32>,
    /// Tracks made so far.
    generations: u64,
}

impl Tracks {
    /// Starts to track a buffer.
    pub(crate) fn add(&mut self, allocation: Option<Allocation>, host_reads: bool) -> TrackId {
        self.generations += 1;
        let generation = self.generations;
        let track = Track {
            generation,
            history: History::default(),
            mapped: None,
            pins: Vec::new(),
            holds: 0,
            allocation,
            freed: false,
            host_reads,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(track);
                slot
            }
            None => {
                self.slots.push(Some(track));
                (self.slots.len() - 1) as u32
            }
        };
        TrackId { slot, generation }
    }

    /// The track, freed or not, as long as it is there.
    #[inline]
    pub(crate) fn get(&self, id: TrackId) -> Option<&Track> {
        self.slots.get(id.slot as usize)?.as_ref().filter(|track| track.generation == id.generation)
    }

    /// As `get`.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: TrackId) -> Option<&mut Track> {
        self.slots.get_mut(id.slot as usize)?.as_mut().filter(|track| track.generation == id.generation)
    }

    /// The track of a buffer that has not been freed.
    #[inline]
    pub(crate) fn live(&mut self, id: TrackId) -> Result<&mut Track> {
        match self.get_mut(id) {
            Some(track) if !track.freed => Ok(track),
            _ => Err(Error::new(Status::InvalidHandle, "the buffer was freed by another thread during this call")),
        }
    }

    /// The track of a buffer that lives, if nobody has mapped it and no call in progress works on it.
    #[inline]
    pub(crate) fn plain(&self, id: TrackId) -> Option<&Track> {
        self.get(id).filter(|track| !track.freed && track.is_plain())
    }

    /// True if the buffer was freed.
    pub(crate) fn is_freed(&self, id: TrackId) -> bool {
        self.get(id).is_none_or(|track| track.freed)
    }

    /// Ends a buffer. What `end` gives is to be freed after the last use named with it.
    pub(crate) fn free(&mut self, id: TrackId) -> Option<(Clock, Allocation)> {
        if let Some(track) = self.get_mut(id) {
            track.freed = true;
            track.mapped = None;
        }
        self.end(id)
    }

    /// Keeps others from the range while a call works on it with no lock held. Ended by `unpin`.
    pub(crate) fn pin(&mut self, id: TrackId, range: &Range<u64>, write: bool) -> Result<()> {
        self.live(id)?.pins.push((range.clone(), write));
        Ok(())
    }

    /// Ends a pin; as `free` if that was what a freed buffer waited for.
    pub(crate) fn unpin(&mut self, id: TrackId, range: &Range<u64>, write: bool) -> Option<(Clock, Allocation)> {
        if let Some(track) = self.get_mut(id)
            && let Some(i) = track.pins.iter().position(|(r, w)| r == range && *w == write)
        {
            track.pins.swap_remove(i);
        }
        self.end(id)
    }

    /// Keeps the memory from going while a call refers to it. Ended by `release`.
    pub(crate) fn hold(&mut self, id: TrackId) -> Result<()> {
        self.live(id)?.holds += 1;
        Ok(())
    }

    /// Ends a hold; as `free` if that was what a freed buffer waited for.
    pub(crate) fn release(&mut self, id: TrackId) -> Option<(Clock, Allocation)> {
        if let Some(track) = self.get_mut(id) {
            track.holds = track.holds.saturating_sub(1);
        }
        self.end(id)
    }

    fn end(&mut self, id: TrackId) -> Option<(Clock, Allocation)> {
        if !self.get(id).is_some_and(|track| track.freed && track.pins.is_empty() && track.holds == 0) {
            return None;
        }
        let mut track = self.slots[id.slot as usize].take()?;
        self.free.push(id.slot);
        Some((track.history.last_use(), track.allocation.take()?))
    }
}
