//! The fast path of a dispatch, which nearly all dispatches take: a live stream, buffers and bytes in the order of the bindings, and a grid
//! that the device takes. It checks the same as the slow path (`dispatch.rs`), without a reference count and without an allocation. It
//! leaves every other dispatch, and every error, to the slow path.
//!
//! No reference counts are needed, because locks keep the objects alive. Kernels and streams lose their handles only under the locks of
//! their tables. A device is closed and the memory of a buffer freed only under the lock of the device's scheduler, which knows the buffers
//! by their handles.

use crate::compile::{BindingKind, Variant};
use crate::runtime::base::error::Result;
use crate::runtime::base::handle::Token;
use crate::runtime::device::core::Device;
use crate::runtime::kernel::args::{Arg, ArgSource, BindingLimits, Value};
use crate::runtime::kernel::program::Program;
use crate::runtime::object::kernel;
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::hazard::{Access, Stages};
use crate::runtime::schedule::scheduler::RecordContext;
use crate::runtime::schedule::staging::Staging;
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::schedule::tracker::BufferAccess;
use crate::runtime::stream::destination;
use crate::vulkan::{Commands, Pipeline, Slice};
use smallvec::SmallVec;
use std::sync::Arc;

/// Queues a dispatch. `None`, with nothing done, for a dispatch that is not for the fast path.
#[inline]
pub(crate) fn dispatch<'a>(stream: Token, kernel: Token, groups: [u32; 3], given: &impl ArgSource<'a>) -> Option<Result<()>> {
    let kernels = kernel::all();
    let kernel = kernels.get(kernel)?;
    let (device, program) = (&kernel.device, &*kernel.program);
    let streams;
    let stream = if device.is_default(stream) {
        &device.default_stream
    } else {
        streams = destination::all();
        streams.get(stream)?.live_on(device)?
    };
    let most = &device.compile.limits.max_groups;
    let fits = |i: usize| groups[i].wrapping_sub(1) < most[i];
    if program.compiled.debug().is_some() || !(fits(0) && fits(1) && fits(2)) {
        return None;
    }
    let pipeline = program.compiled.made(Variant::default())?;
    let binding_limits = &*program.compiled.binding_limits;
    let plan = Plan { device, program, stream, groups, pipeline };
    match binding_limits.len() {
        count if count != given.count() => None,
        0..=4 => plan.enqueue::<4>(binding_limits, given),
        5..=16 => plan.enqueue::<16>(binding_limits, given),
        _ => None,
    }
}

/// Queues one of the library's own kernels, with at most four arguments, on a grid that every device takes. As [`dispatch`].
pub(crate) fn own<'a>(
    device: &Arc<Device>,
    stream: &Arc<StreamState>,
    program: &Program,
    groups: [u32; 3],
    given: &impl ArgSource<'a>,
) -> Option<Result<()>> {
    let pipeline = program.compiled.made(Variant::default())?;
    Plan { device, program, stream, groups, pipeline }.enqueue::<4>(&program.compiled.binding_limits, given)
}

/// A dispatch without its arguments.
struct Plan<'k> {
    device: &'k Arc<Device>,
    program: &'k Program,
    stream: &'k Arc<StreamState>,
    groups: [u32; 3],
    pipeline: &'k Pipeline,
}

impl Plan<'_> {
    /// Queues it with at most `N` arguments.
    fn enqueue<'a, const N: usize>(&self, binding_limits: &[BindingLimits], given: &impl ArgSource<'a>) -> Option<Result<()>> {
        let Plan { device, program, stream, groups, pipeline } = *self;
        let (mut accesses, mut touched) = ([const { BufferAccess::NONE }; N], 0);
        let (mut slices, mut bound) = ([Slice::default(); N], 0);
        let mut push_constants: &[u8] = &[];
        // Bytes for uniform bindings, each with the index of its slice and its size with padding.
        let mut uploads: SmallVec<[(usize, &[u8], u64); 2]> = SmallVec::new();
        let mut scheduler = device.lock();
        if scheduler.closed {
            return None;
        }
        let barriers = scheduler.trivial_barriers(stream);
        // The stages before and after a barrier. `None` if the kernel must wait for more than a barrier.
        let mut behind = barriers.map(|_| (Stages::default(), Stages::default()));
        for (i, limits) in binding_limits.iter().enumerate() {
            let Some((buffer, offset, size)) = given.range(i) else {
                let Arg { at: None, value: Value::Bytes(bytes), .. } = given.take(i).ok()? else { return None };
                let (least, most) = limits.bytes;
                let size = bytes.len() as u64;
                if size < least || size > most {
                    return None;
                }
                if limits.kind == BindingKind::Uniform {
                    uploads.push((bound, bytes, most));
                    bound += 1;
                } else if size.is_multiple_of(4) {
                    push_constants = bytes;
                } else {
                    return None;
                }
                continue;
            };
            let (id, hot, location) = scheduler.tracker.find(buffer)?;
            let end = if size == 0 { location.size } else { offset.checked_add(size)? };
            let size = end.checked_sub(offset)?;
            let (least, most) = limits.range;
            if end > location.size || offset & limits.misaligned != 0 || size < least || size > most {
                return None;
            }
            let access = Access { range: offset..end, stage: limits.stage, write: limits.write, unordered: false };
            if accesses[..touched].iter().any(|other| other.id == id && other.access.clashes(&access)) {
                return None;
            }
            if let (Some((src, dst)), Some((barriers, done))) = (&mut behind, barriers) {
                match hot.history.trivial_conflict(&access, stream.queue, done, barriers) {
                    None => behind = None,
                    Some(stages) if stages.is_empty() => {}
                    Some(stages) => {
                        src.insert(stages);
                        dst.insert(access.stage.into());
                    }
                }
            }
            *slices.get_mut(bound)? = location.slice(&access.range);
            *accesses.get_mut(touched)? = BufferAccess { id, access };
            (bound, touched) = (bound + 1, touched + 1);
        }
        let (accesses, slices) = (accesses.get(..touched)?, slices.get_mut(..bound)?);
        let mut is_first = false;
        let command = |commands: &mut Commands, staging: &mut Staging, now: RecordContext| {
            // This comes before anything that can fail, because the batch may refer to the pipeline from here on.
            is_first = program.used_by(now.queue, now.submission);
            for &(index, bytes, size) in &uploads {
                let (slice, host_view, at) = staging.arena(now.queue).take(size, now.submission, now.done)?;
                host_view.write(at, bytes);
                slices[index] = slice;
            }
            commands.bind(pipeline, slices, push_constants)?;
            commands.dispatch(groups);
            Ok(())
        };
        let recorded = match behind {
            Some(behind) => scheduler.record_trivial(stream, accesses, behind, command),
            None => {
                let label = || {
                    let bytes = accesses.iter().map(|entry| entry.access.range.end - entry.access.range.start).sum();
                    CommandLabel { name: &program.label, workgroups: Some(groups), bytes }
                };
                scheduler.record(stream, accesses, label, command)
            }
        };
        if let Err(e) = recorded {
            return Some(Err(e));
        }
        if is_first {
            scheduler.queues[usize::from(stream.queue)].note_kernel(stream.last(), &program.label);
        }
        Some(device.after_recording(&mut scheduler, stream))
    }
}
