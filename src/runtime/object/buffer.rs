//! Buffers: made, named, freed. What moves their bytes is in `transfer.rs`, mappings in `mapping.rs`.

use crate::runtime::api::device::{self, Device, Inside};
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::{Kind, Table, Token};
use crate::runtime::kernel::properties::BufferProperties;
use crate::runtime::schedule::hazard::{Stage, Use};
use crate::runtime::schedule::timeline::Label;
use crate::runtime::schedule::track::{Touch, TrackId};
use crate::vulkan::{MemoryKind, Slice, Window};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

static BUFFERS: Table<Buffer> = Table::new(Kind::Buffer);

const KIND_MASK: u32 = 0xff;
const ZEROED: u32 = 0x100;
/// Suits every binding of every device that Vulkan allows.
const DEFAULT_ALIGNMENT: u64 = 256;
const MAX_ALIGNMENT: u64 = 65536;
/// Labels longer than this are cut, so that no message grows without bound.
const MAX_LABEL: usize = 1024;

/// Options of a new buffer, as the caller gave them.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) size: u64,
    /// Kind in the low byte, flags above.
    pub(crate) memory: u32,
    /// 0: the default.
    pub(crate) alignment: u64,
    pub(crate) label: Option<String>,
}

/// A buffer. The engine tracks what uses it.
pub(crate) struct Buffer {
    pub(crate) device: Arc<Device>,
    pub(crate) size: u64,
    memory: u32,
    alignment: u64,
    heap: u32,
    /// Where it lies: exactly its bytes, rounded up to 4 (allocations are coarser).
    slice: Slice,
    /// The host's view, if it has one.
    pub(crate) window: Option<Window>,
    /// The host's view is fast to read.
    pub(crate) cached: bool,
    pub(crate) track: TrackId,
    label: Mutex<Option<Arc<str>>>,
}

impl Buffer {
    /// The buffer in messages.
    pub(crate) fn name(&self) -> String {
        match &*self.label.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(label) => format!("the buffer '{label}' of {} bytes", self.size),
            None => format!("the buffer of {} bytes", self.size),
        }
    }

    /// The range as the GPU sees it.
    pub(crate) fn slice(&self, range: &Range<u64>) -> Slice {
        self.slice.part(range.start, range.end - range.start)
    }

    /// True if the buffer was asked for in the host's memory.
    pub(crate) fn is_host_memory(&self) -> bool {
        self.memory & KIND_MASK != 0
    }

    /// True if it lies in memory of the device's own, which the host does not read fast.
    pub(crate) fn is_far(&self) -> bool {
        !(self.is_host_memory() || self.window.is_some() && self.cached)
    }

    /// `size` bytes from `offset`, if they lie inside.
    pub(crate) fn range(&self, offset: u64, size: u64) -> Result<Range<u64>> {
        match offset.checked_add(size) {
            Some(end) if end <= self.size => Ok(offset..end),
            _ => {
                let message = format!("{size} bytes from offset {offset} leave {}", self.name());
                Err(Error::new(Status::OutOfRange, message))
            }
        }
    }
}

/// Makes a buffer.
pub(crate) fn create(device: Token, options: &Options) -> Result<Token> {
    let device = device::enter(device)?;
    let kind = match options.memory & KIND_MASK {
        0 => MemoryKind::Device,
        1 => MemoryKind::Upload,
        2 => MemoryKind::Readback,
        other => return Err(invalid(format!("memory kind {other} is none of AVX_MEMORY_DEVICE, _UPLOAD, _READBACK"))),
    };
    let unknown = options.memory & !(KIND_MASK | ZEROED);
    if unknown != 0 {
        return Err(invalid(format!("memory has unknown flags {unknown:#x}; AVX_MEMORY_ZEROED (0x100) is the only one")));
    }
    let alignment = if options.alignment == 0 { DEFAULT_ALIGNMENT } else { options.alignment };
    if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
        return Err(invalid(format!("alignment {alignment} is no power of two up to {MAX_ALIGNMENT}")));
    }
    let label = options.label.as_deref().map(short_label);
    let allocation = device.allocate(kind, options.size, alignment.max(DEFAULT_ALIGNMENT), label.as_deref().unwrap_or("buffer"))?;
    // Whole words belong to an allocation, so fills and loads of the last element stay inside.
    let padded = options.size.next_multiple_of(4).max(4);
    let (slice, window, cached, heap) = (allocation.slice(), allocation.window(), !allocation.write_combined(), allocation.heap());
    let track = {
        let mut engine = device.lock();
        if let Err(e) = engine.check() {
            drop(engine);
            device.release(allocation);
            return Err(e);
        }
        engine.tracks.add(Some(allocation), window.is_some())
    };
    let slice = Slice { size: padded, ..slice };
    let token = BUFFERS.insert_with(|token| {
        device.lock().tracks.name(track, token, options.size, slice);
        Arc::new(Buffer {
            device: Arc::clone(&device),
            size: options.size,
            memory: options.memory,
            alignment,
            heap,
            slice,
            window,
            cached,
            track,
            label: Mutex::new(label),
        })
    });
    let token = token.inspect_err(|_| device.free_track(track))?;
    if options.memory & ZEROED != 0 {
        zero(&device, &*BUFFERS.get(token)?).inspect_err(|_| drop(free(token)))?;
    }
    Ok(token)
}

/// A buffer of the library's own, all zeros, in memory that the host reads fast. It has no handle; its track is freed by whoever has it.
pub(crate) fn own(device: &Inside, size: u64, label: &str) -> Result<Arc<Buffer>> {
    let allocation = device.allocate(MemoryKind::Readback, size, DEFAULT_ALIGNMENT, label)?;
    let (slice, window, cached, heap) = (allocation.slice(), allocation.window(), !allocation.write_combined(), allocation.heap());
    let Some(view) = window else {
        device.release(allocation);
        return Err(Error::new(Status::Internal, "memory for the host has no window"));
    };
    view.zero(0, size);
    let track = device.lock().tracks.add(Some(allocation), true);
    let (slice, label) = (Slice { size, ..slice }, Mutex::new(Some(short_label(label))));
    Ok(Arc::new(Buffer {
        device: Arc::clone(device),
        size,
        memory: 2,
        alignment: DEFAULT_ALIGNMENT,
        heap,
        slice,
        window,
        cached,
        track,
        label,
    }))
}

/// A new buffer's zeros: by the host where that is its own memory, else by the device, before anything that is queued later.
fn zero(device: &Inside, buffer: &Buffer) -> Result<()> {
    match buffer.window.filter(|_| buffer.cached) {
        Some(window) => window.zero(0, buffer.size),
        None => {
            let slice = buffer.slice;
            let mut engine = device.lock();
            let of = Use { range: 0..slice.size, stage: Stage::Transfer, write: true, unordered: false };
            engine.record(
                &device.line,
                &[Touch { track: buffer.track, of }],
                || Label::new("zero", slice.size),
                |commands, _, _| {
                    commands.fill(slice, 0);
                    Ok(())
                },
            )?;
            device.pace(&mut engine, &device.line)?;
        }
    }
    Ok(())
}

fn short_label(label: &str) -> Arc<str> {
    label[..label.floor_char_boundary(MAX_LABEL)].into()
}

/// Frees a buffer: its name at once, its memory when the GPU has passed it.
pub(crate) fn free(token: Token) -> Result<()> {
    let buffer = BUFFERS.remove(token)?;
    let device = Arc::clone(&buffer.device).enter()?;
    device.free_track(buffer.track);
    device.notify_change();
    Ok(())
}

/// The living buffer of that name, and its device kept open.
pub(crate) fn enter(token: Token) -> Result<(Inside, Arc<Buffer>)> {
    let buffer = BUFFERS.get(token)?;
    Ok((Arc::clone(&buffer.device).enter()?, buffer))
}

/// The living buffer of that name.
pub(crate) fn get(token: Token) -> Result<Arc<Buffer>> {
    BUFFERS.get(token)
}

/// Ends the names of all buffers of a device.
pub(crate) fn remove_all(owned: impl Fn(&Arc<Device>) -> bool) -> Vec<Arc<Buffer>> {
    BUFFERS.remove_all(|b| owned(&b.device))
}

/// How many buffers a device has, and how many bytes they have in each heap.
pub(crate) fn used_by(device: &Arc<Device>) -> (u64, [u64; 16]) {
    let (mut count, mut used) = (0, [0; 16]);
    BUFFERS.for_each(|b| {
        if Arc::ptr_eq(&b.device, device) {
            count += 1;
            used[b.heap as usize] += b.size;
        }
    });
    (count, used)
}

/// What a buffer is.
pub(crate) fn properties(token: Token) -> Result<BufferProperties> {
    let (device, buffer) = enter(token)?;
    let mapped = device.lock().tracks.live(buffer.track)?.1.mapped().is_some();
    let label = buffer.label.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(BufferProperties {
        memory: buffer.memory,
        size: buffer.size,
        alignment: buffer.alignment,
        host_visible: buffer.window.is_some(),
        mapped,
        label: label.as_deref().unwrap_or_default().to_owned(),
    })
}

/// Names a buffer for messages.
pub(crate) fn set_label(token: Token, label: Option<&str>) -> Result<()> {
    let (_device, buffer) = enter(token)?;
    *buffer.label.lock().unwrap_or_else(PoisonError::into_inner) = label.map(short_label);
    Ok(())
}
