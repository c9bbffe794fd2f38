//! Allocates device memory: allocations of any size and kind, and exact accounts of them. Small allocations are pieces of slabs.
//!
//! There are two locks. `state` guards the bookkeeping. It is held for some tens of nanoseconds, and nearly every call needs only this one.
//! `blocks` guards the calls of the driver. It is held while the driver works, which takes seconds for gigabytes of host memory; other
//! threads can still allocate from the slabs and free meanwhile. A thread that takes both locks takes `blocks` first.

mod report;

use super::allocation::{Allocation, MAX_ALIGNMENT, MemoryLimits, Place, Usage};
use super::blocks::{Block, Blocks, NameObject};
use super::slabs::{Plan, Slabs, kept, largest_slab};
use super::types::{self, MAPPABLE, MemoryKind};
use crate::vulkan::error::{Error, ErrorKind, Result};
use ash::vk;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// The smallest distance between the starts of two allocations in bytes. No device needs a larger alignment for a storage or uniform
/// offset.
const GRANULE: u64 = 256;

/// The fixed properties of a memory type.
#[derive(Clone, Copy)]
struct Type {
    heap: u8,
    /// Whether the memory is host-visible and coherent, so that callers may access its mapping.
    mappable: bool,
    write_combined: bool,
}

/// The bookkeeping of all memory that was taken from the driver.
struct State {
    /// The slabs of each memory type.
    slabs: Vec<Slabs<Block>>,
    /// The blocks that serve a single allocation each, and the list of vacant entries.
    own: Vec<Option<Block>>,
    vacant: Vec<u32>,
    /// Unused blocks with their memory types. The thread that holds `blocks` returns them to the driver.
    unused_blocks: Vec<(u8, Block)>,
    usage: Usage,
    /// The number of blocks that were taken from the driver and not yet returned.
    block_count: u32,
}

/// A request that was checked.
struct AllocationRequest<'a> {
    kind: MemoryKind,
    /// The requested size, and the number of bytes that are reserved for it.
    size: u64,
    room: u64,
    align: u64,
    label: &'a str,
}

/// The memory of one device. It must be dropped before the VkDevice is destroyed. Dropping it frees all memory, also that of living
/// allocations.
pub(crate) struct Memory {
    blocks: Mutex<Blocks>,
    state: Mutex<State>,
    /// The memory types for each kind, best first.
    candidates: [Vec<u32>; 3],
    /// The size of the largest heap for each kind, in bytes.
    largest_heap: [u64; 3],
    types: Vec<Type>,
    granule: u64,
    max_block_count: u32,
    max_allocation_size: u64,
    max_buffer_size: u64,
}

impl Memory {
    /// Sets up the memory of `device`, which was created from the physical device `physical` with the memory properties `properties`. It
    /// allocates no memory yet. For `name` see NameObject. Errors: `Unsupported` if the driver has no memory that both CPU and GPU can
    /// access; other errors of the driver.
    pub(crate) fn new(
        instance: &ash::Instance,
        physical: vk::PhysicalDevice,
        device: &ash::Device,
        properties: &vk::PhysicalDeviceMemoryProperties,
        limits: &MemoryLimits<'_>,
        name: Option<NameObject>,
    ) -> Result<Memory> {
        let blocks = Blocks::new(instance, physical, device, limits.buffer_device_address, limits.queue_families, name)?;
        let mut candidates = MemoryKind::ALL.map(|kind| types::candidates(properties, blocks.type_bits(), kind, limits.integrated));
        let [for_device, for_upload, for_readback] = &mut candidates;
        if for_upload.is_empty() || for_readback.is_empty() {
            let text = "the driver has no memory for buffers that both the CPU and the GPU can access (host-visible and coherent)";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        if for_device.is_empty() {
            // This violates the specification, but memory for the CPU also works for the GPU.
            for_device.clone_from(for_upload);
        }
        let usage = Usage::new(properties);
        let unbounded = |limit: u64| if limit == 0 { u64::MAX } else { limit };
        let (max_allocation_size, max_buffer_size) = (unbounded(limits.max_allocation_size), unbounded(limits.max_buffer_size));
        let known = properties.memory_types.iter().take(properties.memory_type_count as usize);
        let types: Vec<Type> = known
            .map(|t| {
                let flags = t.property_flags;
                let mappable = flags.contains(MAPPABLE);
                let write_combined = mappable && !flags.contains(vk::MemoryPropertyFlags::HOST_CACHED);
                Type { heap: t.heap_index as u8, mappable, write_combined }
            })
            .collect();
        let heap_size = |t: &Type| usage.heaps().get(usize::from(t.heap)).map_or(0, |heap| heap.size);
        let largest_heap = [0, 1, 2].map(|kind: usize| {
            let sizes = candidates[kind].iter().filter_map(|&t| types.get(t as usize)).map(heap_size);
            sizes.max().unwrap_or(0)
        });
        let largest = |t: &Type| largest_slab(heap_size(t), max_allocation_size.min(max_buffer_size));
        let slabs = types.iter().map(|t| Slabs::new(largest(t), kept(heap_size(t)))).collect();
        let state = State { slabs, own: Vec::new(), vacant: Vec::new(), unused_blocks: Vec::new(), usage, block_count: 0 };
        Ok(Memory {
            blocks: Mutex::new(blocks),
            state: Mutex::new(state),
            candidates,
            largest_heap,
            types,
            granule: limits.storage_alignment.max(limits.uniform_alignment).max(limits.atom_size).max(GRANULE).next_power_of_two(),
            max_block_count: limits.max_allocation_count.max(1),
            max_allocation_size,
            max_buffer_size: max_buffer_size & !3,
        })
    }

    /// Allocates `size` bytes of memory of `kind`. The offset in the VkBuffer is a multiple of `align`, which is a power of two up to
    /// MAX_ALIGNMENT. 0 means an alignment that suits every binding; smaller alignments are raised to that. A `size` of 0 gives an
    /// allocation without bytes. `label` is for messages. The content is undefined.
    ///
    /// Errors: `Invalid` for an invalid alignment; `Limit` for a size beyond every heap or the largest buffer, and for too many
    /// allocations; `OutOfDeviceMemory` and `OutOfHostMemory` if no memory is left, `NotMapped`. After an error everything is unchanged and usable.
    pub(crate) fn allocate(&self, kind: MemoryKind, size: u64, align: u64, label: &str) -> Result<Allocation> {
        let request = self.check(kind, size, align, label)?;
        let best = self.candidates[kind.index()].first().copied().unwrap_or(0);
        if let Some(allocation) = self.cut(&mut self.state(), best, &request) {
            return Ok(allocation);
        }
        let result = {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            self.destroy_unused(&mut blocks);
            self.grow(&mut blocks, &request)
        };
        self.try_destroy_unused();
        result.map_err(|error| self.refused(&request, &error))
    }

    /// Frees an allocation of this Memory. No work on the device and no other code may use it or its pointer any more.
    pub(crate) fn free(&self, allocation: Allocation) {
        let Allocation { memory_type, heap, size, place, .. } = allocation;
        {
            let mut state = self.state();
            let state = &mut *state;
            let account = &mut state.usage.heap_mut(usize::from(heap)).used;
            *account = account.saturating_sub(size);
            let before = state.unused_blocks.len();
            match place {
                Place::Slab(range) => {
                    if let Some(slabs) = state.slabs.get_mut(usize::from(memory_type)) {
                        slabs.free(range);
                        while let Some(block) = slabs.surplus() {
                            state.unused_blocks.push((memory_type, block));
                        }
                    }
                }
                Place::Own(number) => {
                    if let Some(block) = state.own.get_mut(number as usize).and_then(Option::take) {
                        state.vacant.push(number);
                        state.unused_blocks.push((memory_type, block));
                    }
                }
            }
            if state.unused_blocks.len() == before {
                return;
            }
        }
        self.try_destroy_unused();
    }

    /// The current usage of each heap.
    pub(crate) fn usage(&self) -> Usage {
        self.state().usage
    }

    /// Returns all memory that no allocation uses to the driver.
    pub(crate) fn trim(&self) {
        self.release(&mut self.blocks.lock().unwrap_or_else(PoisonError::into_inner));
        self.try_destroy_unused();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a bug that was reported where it happened; the numbers are still usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The heap of a memory type.
    fn heap_of(&self, memory_type: u32) -> usize {
        usize::from(self.types[memory_type as usize].heap)
    }

    /// Checks a request against the limits that never change.
    fn check<'a>(&self, kind: MemoryKind, size: u64, align: u64, label: &'a str) -> Result<AllocationRequest<'a>> {
        if (align != 0 && !align.is_power_of_two()) || align > MAX_ALIGNMENT {
            return Err(Memory::bad_alignment(kind, align, label));
        }
        if size > self.max_buffer_size {
            return Err(self.over_buffer_size(kind, size, label));
        }
        // Rounding up must not lift a request above the limit. The limit is a multiple of 4, so whole words fit.
        let room = size.max(1).checked_next_multiple_of(self.granule).map_or(self.max_buffer_size, |room| room.min(self.max_buffer_size));
        if room > self.largest_heap[kind.index()] {
            return Err(self.over_heaps(kind, size, label));
        }
        Ok(AllocationRequest { kind, size, room, align: align.max(self.granule), label })
    }

    /// Takes a piece of a slab of `memory_type`, if one has room.
    fn cut(&self, state: &mut State, memory_type: u32, request: &AllocationRequest<'_>) -> Option<Allocation> {
        let slabs = state.slabs.get_mut(memory_type as usize)?;
        let (range, block) = slabs.allocate(request.room, request.align)?;
        let (buffer, pointer, offset) = (block.buffer, block.pointer(), range.offset);
        // SAFETY: the pointer, if any, points to the first byte of the block, which is mapped completely; `range` lies inside the block, so
        // the sum stays in the mapping.
        let pointer = pointer.map(|p| unsafe { p.add(offset as usize) });
        Some(self.account(state, memory_type, request, buffer, offset, pointer, Place::Slab(range)))
    }

    /// Adds an allocation to the accounts and creates its record.
    #[expect(clippy::too_many_arguments, reason = "the fields of one record, from its two makers")]
    fn account(
        &self,
        state: &mut State,
        memory_type: u32,
        request: &AllocationRequest<'_>,
        buffer: vk::Buffer,
        offset: u64,
        pointer: Option<NonNull<u8>>,
        place: Place,
    ) -> Allocation {
        let Type { heap, mappable, write_combined } = self.types[memory_type as usize];
        state.usage.heap_mut(usize::from(heap)).used += request.size;
        let pointer = if mappable { pointer } else { None };
        Allocation { buffer, offset, size: request.size, pointer, memory_type: memory_type as u8, heap, write_combined, place }
    }

    /// Serves a request for which the slabs of the best type have no room, from the slabs of any candidate or from the driver. The error is
    /// that of the last candidate.
    fn grow(&self, blocks: &mut Blocks, request: &AllocationRequest<'_>) -> Result<Allocation> {
        let mut last = None;
        for &memory_type in &self.candidates[request.kind.index()] {
            if request.room > self.state().usage.heap_mut(self.heap_of(memory_type)).size {
                continue;
            }
            let mut served = self.serve(blocks, memory_type, request, false);
            // The kept memory may be what is missing. It is returned before a worse type is used or a small request gets a block of its
            // own.
            if is_short(&served) && self.release(blocks) {
                served = self.serve(blocks, memory_type, request, false);
            }
            // If there is no memory for a slab, there may still be enough for the request alone.
            if is_short(&served) {
                served = self.serve(blocks, memory_type, request, true);
            }
            match served {
                Err(error) if is_shortage(&error) => last = Some(error),
                done => return done,
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::OutOfDeviceMemory, "no heap is large enough")))
    }

    /// Serves a request from memory of one type. If the slabs have no room, the driver is asked for a slab, or with `alone` for a block of
    /// its own.
    fn serve(&self, blocks: &mut Blocks, memory_type: u32, request: &AllocationRequest<'_>, alone: bool) -> Result<Allocation> {
        let plan = {
            let mut state = self.state();
            // Another thread may have made room while this one waited for `blocks`.
            if let Some(allocation) = self.cut(&mut state, memory_type, request) {
                return Ok(allocation);
            }
            if state.block_count >= self.max_block_count {
                return Err(Error::new(ErrorKind::Limit, "the count is at its limit"));
            }
            if alone { Plan::Own } else { state.slabs[memory_type as usize].plan(request.room) }
        };
        self.make(blocks, memory_type, plan, request)
    }

    /// Carries out `plan` and serves the request from the new block.
    fn make(&self, blocks: &mut Blocks, memory_type: u32, plan: Plan, request: &AllocationRequest<'_>) -> Result<Allocation> {
        let (size, block) = match plan {
            Plan::Slab(size) => (size, blocks.create(memory_type, size, &format!("avx_gpu slab, memory type {memory_type}"))?),
            Plan::Own => (request.room, blocks.create(memory_type, request.room, request.label)?),
        };
        let mut state = self.state();
        state.usage.heap_mut(self.heap_of(memory_type)).reserved += block.reserved();
        state.block_count += 1;
        state.slabs[memory_type as usize].made(request.room);
        let unused = match plan {
            Plan::Slab(_) => match state.slabs[memory_type as usize].add(size, block) {
                Ok(()) => match self.cut(&mut state, memory_type, request) {
                    Some(allocation) => return Ok(allocation),
                    None => None,
                },
                Err(block) => Some(block),
            },
            Plan::Own => match keep(&mut state, block) {
                Ok((number, buffer, pointer)) => {
                    return Ok(self.account(&mut state, memory_type, request, buffer, 0, pointer, Place::Own(number)));
                }
                Err(block) => Some(block),
            },
        };
        drop(state);
        if let Some(block) = unused {
            self.discard(blocks, memory_type as u8, block);
        }
        Err(Error::new(ErrorKind::OutOfHostMemory, "the host has no memory for the bookkeeping"))
    }

    /// Returns a block to the driver and removes it from the accounts.
    fn discard(&self, blocks: &mut Blocks, memory_type: u8, block: Block) {
        let reserved = block.reserved();
        blocks.destroy(block);
        let mut state = self.state();
        let account = &mut state.usage.heap_mut(self.heap_of(u32::from(memory_type))).reserved;
        *account = account.saturating_sub(reserved);
        state.block_count = state.block_count.saturating_sub(1);
    }

    /// Returns unused blocks to the driver.
    fn destroy_unused(&self, blocks: &mut Blocks) {
        loop {
            let Some((memory_type, block)) = self.state().unused_blocks.pop() else { return };
            self.discard(blocks, memory_type, block);
        }
    }

    /// Returns unused blocks and kept slabs to the driver. Returns whether there were any.
    fn release(&self, blocks: &mut Blocks) -> bool {
        let any = {
            let mut state = self.state();
            let State { slabs, unused_blocks, .. } = &mut *state;
            for (index, slabs) in slabs.iter_mut().enumerate() {
                unused_blocks.extend(slabs.trim().into_iter().map(|block| (index as u8, block)));
            }
            !unused_blocks.is_empty()
        };
        self.destroy_unused(blocks);
        any
    }

    /// Returns unused blocks to the driver without waiting for the lock. The thread that holds `blocks` calls this when it is done, so one
    /// of the two threads sees a block that was added to the list before.
    fn try_destroy_unused(&self) {
        while !self.state().unused_blocks.is_empty() {
            match self.blocks.try_lock() {
                Ok(mut blocks) => self.destroy_unused(&mut blocks),
                Err(TryLockError::Poisoned(poisoned)) => self.destroy_unused(&mut poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => return,
            }
        }
    }
}

/// Whether the driver or the host ran out of something, so that returning memory or another memory type may help.
fn is_shortage(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::OutOfDeviceMemory | ErrorKind::OutOfHostMemory | ErrorKind::NotMapped | ErrorKind::Limit)
}

fn is_short(served: &Result<Allocation>) -> bool {
    served.as_ref().is_err_and(is_shortage)
}

impl Drop for Memory {
    fn drop(&mut self) {
        let blocks = self.blocks.get_mut().unwrap_or_else(PoisonError::into_inner);
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let slabs = std::mem::take(&mut state.slabs).into_iter().flat_map(Slabs::into_blocks);
        let own = std::mem::take(&mut state.own).into_iter().flatten();
        let unused_blocks = std::mem::take(&mut state.unused_blocks).into_iter().map(|(_, block)| block);
        for block in slabs.chain(own).chain(unused_blocks) {
            blocks.destroy(block);
        }
    }
}

/// Stores the block of a single allocation. Returns its number, VkBuffer and mapping, or the block if the host has no memory for the entry.
fn keep(state: &mut State, block: Block) -> std::result::Result<(u32, vk::Buffer, Option<NonNull<u8>>), Block> {
    let (buffer, pointer) = (block.buffer, block.pointer());
    let number = match state.vacant.pop() {
        Some(number) => number,
        None => {
            if state.own.try_reserve(1).is_err() {
                return Err(block);
            }
            state.own.push(None);
            (state.own.len() - 1) as u32
        }
    };
    state.own[number as usize] = Some(block);
    Ok((number, buffer, pointer))
}

#[cfg(test)]
mod tests;
