//! Buffers: created, described, freed. `transfer/` moves their bytes, and `mapping.rs` maps them.

use crate::runtime::base::error::{Result, invalid, not_in_this_version};
use crate::runtime::base::handle::Token;
use crate::runtime::device::guard::{self, DeviceGuard};
use crate::runtime::device::storage::Storage;
use crate::runtime::kernel::properties::BufferProperties;
use crate::runtime::object::buffer::{self, Buffer, DEFAULT_ALIGNMENT, KIND_MASK, short_label};
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::hazard::{Access, Stage};
use crate::runtime::schedule::tracker::BufferAccess;
use crate::vulkan::MemoryKind;
use std::sync::Arc;

pub(crate) use crate::runtime::object::buffer::Options;

const ZEROED: u32 = 0x100;
const MAX_ALIGNMENT: u64 = 65536;

/// Creates a buffer.
pub(crate) fn create(device: Token, options: &Options) -> Result<Token> {
    let device = guard::enter(device)?;
    let kind = match options.memory & KIND_MASK {
        0 => MemoryKind::Device,
        1 => MemoryKind::Upload,
        2 => MemoryKind::Readback,
        3 => return Err(not_in_this_version("AVX_MEMORY_SHARED")),
        other => return Err(invalid(format!("memory kind {other} is none of AVX_MEMORY_DEVICE, _UPLOAD, _READBACK"))),
    };
    let unknown = options.memory & !(KIND_MASK | ZEROED);
    if unknown != 0 {
        return Err(invalid(format!("memory has unknown flags {unknown:#x}; AVX_MEMORY_ZEROED (0x100) is the only one")));
    }
    let alignment = options.alignment();
    if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
        return Err(invalid(format!("alignment {alignment} is not a power of two up to {MAX_ALIGNMENT}")));
    }
    let label = options.label.as_deref().map(short_label);
    let allocation = device.allocate(kind, options.size, alignment.max(DEFAULT_ALIGNMENT), label.as_deref().unwrap_or("buffer"))?;
    let heap = allocation.heap();
    let storage = {
        let mut scheduler = device.lock();
        if let Err(e) = scheduler.check() {
            drop(scheduler);
            device.free(allocation);
            return Err(e);
        }
        Storage::new(options.size, allocation, |allocation, host_reads| scheduler.tracker.add(Some(allocation), host_reads))
    };
    let token = buffer::name(|token| {
        device.lock().tracker.name(storage.id, token, options.size, storage.whole);
        Buffer::new(&device, options, label, heap, storage)
    });
    let token = token.inspect_err(|_| device.free_buffer(storage.id))?;
    if options.memory & ZEROED != 0 {
        zero(&device, &*buffer::get(token)?).inspect_err(|_| drop(free(token)))?;
    }
    Ok(token)
}

/// Fills a new buffer with zeros. The host does so in memory of its own, and the device otherwise, before anything that is queued later.
fn zero(device: &DeviceGuard, buffer: &Buffer) -> Result<()> {
    match buffer.storage.host_view.filter(|_| buffer.storage.cached) {
        Some(host_view) => host_view.zero(0, buffer.storage.size),
        None => {
            let slice = buffer.storage.whole;
            let mut scheduler = device.lock();
            let access = Access { range: 0..slice.size, stage: Stage::Transfer, write: true, unordered: false };
            scheduler.record(
                &device.default_stream,
                &[BufferAccess { id: buffer.storage.id, access }],
                || CommandLabel::new("zero", slice.size),
                |commands, _, _| {
                    commands.fill(slice, 0);
                    Ok(())
                },
            )?;
            device.after_recording(&mut scheduler, &device.default_stream)?;
        }
    }
    Ok(())
}

/// Frees a buffer: its handle at once, its memory once the GPU has passed it.
pub(crate) fn free(token: Token) -> Result<()> {
    let buffer = buffer::remove(token)?;
    let device = Arc::clone(&buffer.device).enter()?;
    device.free_buffer(buffer.storage.id);
    device.scheduler.notify_change();
    Ok(())
}

/// Describes a buffer.
pub(crate) fn properties(token: Token) -> Result<BufferProperties> {
    let (device, buffer) = buffer::enter(token)?;
    let mapped = device.lock().tracker.live(buffer.storage.id)?.1.mapped().is_some();
    let label = buffer.label();
    Ok(BufferProperties {
        memory: buffer.memory,
        size: buffer.storage.size,
        alignment: buffer.alignment,
        host_visible: buffer.storage.host_view.is_some(),
        mapped,
        label: label.as_deref().unwrap_or_default().to_owned(),
    })
}

/// Names a buffer for messages.
pub(crate) fn set_label(token: Token, label: Option<&str>) -> Result<()> {
    let (_device, buffer) = buffer::enter(token)?;
    buffer.set_label(label);
    Ok(())
}
