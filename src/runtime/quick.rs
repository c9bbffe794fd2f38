//! The way of nearly all dispatches: a live stream, buffers and bytes in the order of the bindings, a grid that the device takes. It
//! checks the same as the long way (`dispatch.rs`), without a reference count or an allocation, and leaves all that is not plain, every
//! error among it, to that one.

use super::args::{Arg, Value};
use super::buffer;
use super::device::Inside;
use super::error::Result;
use super::hazard::{Stage, Use};
use super::kernel::Kernel;
use super::stream::Line;
use super::timeline::Label;
use super::track::Touch;
use crate::compile::{BindingKind, Variant};
use crate::vulkan::Slice;
use smallvec::SmallVec;
use std::sync::Arc;

/// Queues a dispatch; `None`, with nothing done, for one that is not plain.
pub(crate) fn dispatch(device: &Inside, line: &Arc<Line>, kernel: &Arc<Kernel>, groups: [u32; 3], given: &[Arg<'_>]) -> Option<Result<()>> {
    let compiled = &kernel.compiled;
    let wanted = &compiled.interface.args;
    let limits = &device.limits;
    let fits = |i: usize| groups[i].wrapping_sub(1) < limits.max_groups[i];
    if compiled.debug().is_some() || wanted.len() != given.len() || !(fits(0) && fits(1) && fits(2)) {
        return None;
    }
    let pipeline = compiled.made(Variant::default())?;
    let mut touches: SmallVec<[Touch; 6]> = SmallVec::new();
    let mut slices: SmallVec<[Slice; 8]> = SmallVec::new();
    let mut push_constants: &[u8] = &[];
    // Uniform bytes, each with its place among the slices and its size with padding.
    let mut uploads: SmallVec<[(usize, &[u8], u64); 2]> = SmallVec::new();
    let buffers = buffer::all();
    for (binding, arg) in wanted.iter().zip(given) {
        if arg.at.is_some() || arg.unordered {
            return None;
        }
        match arg.value {
            Value::Buffer { buffer, offset, size } => {
                let buffer = buffers.get(buffer).filter(|buffer| Arc::ptr_eq(&buffer.device, device))?;
                let (alignment, largest) = match binding.kind {
                    BindingKind::Storage => (limits.storage_alignment, limits.max_storage_range),
                    BindingKind::Uniform => (limits.uniform_alignment, limits.max_uniform_range),
                    BindingKind::PushConstants => return None,
                };
                let end = if size == 0 { buffer.size } else { offset.checked_add(size)? };
                let bound = end.checked_sub(offset)?;
                // Alignments are powers of two, by Vulkan's rules.
                if end > buffer.size || offset & (alignment - 1) != 0 || bound < binding.min_size.max(1) || bound > largest {
                    return None;
                }
                let range = offset..end;
                slices.push(buffer.slice(&range));
                let of = Use { range, stage: Stage::Compute, write: binding.write, unordered: false };
                if touches.iter().any(|other| other.track == buffer.track && other.of.clashes(&of)) {
                    return None;
                }
                touches.push(Touch { track: buffer.track, of });
            }
            Value::Bytes(bytes) => {
                let size = bytes.len() as u64;
                if size < binding.min_size || size > binding.padded_size {
                    return None;
                }
                match binding.kind {
                    BindingKind::PushConstants if size.is_multiple_of(4) => push_constants = bytes,
                    BindingKind::Uniform if binding.padded_size <= limits.max_uniform_bytes => {
                        uploads.push((slices.len(), bytes, binding.padded_size));
                        slices.push(Slice::default());
                    }
                    _ => return None,
                }
            }
            Value::Param { .. } => return None,
        }
    }
    let mut engine = device.lock();
    if !touches.iter().all(|touch| engine.tracks.is_plain(touch.track)) {
        return None;
    }
    // From here on the engine's lock keeps the buffers: their memory goes under it alone.
    drop(buffers);
    let label = || {
        let bytes = touches.iter().map(|touch| touch.of.range.end - touch.of.range.start).sum();
        Label { name: &kernel.label, workgroups: Some(groups), bytes }
    };
    let recorded = engine.record(line, &touches, label, |commands, staging, now| {
        // Before anything can fail: from here on the batch may refer to the pipeline.
        kernel.used_by(now.lane, now.submission);
        for (place, bytes, size) in uploads {
            let (slice, window, at) = staging.arena(now.lane).take(size, now.submission, now.done)?;
            window.write(at, bytes);
            slices[place] = slice;
        }
        commands.bind(pipeline, &slices, push_constants)?;
        commands.dispatch(groups);
        Ok(())
    });
    if let Err(e) = recorded {
        return Some(Err(e));
    }
    engine.lanes[usize::from(line.lane)].note_kernel(line.last(), &kernel.label);
    Some(device.pace(&mut engine, line))
}
