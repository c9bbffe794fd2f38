//! One dispatch, from checked arguments to recorded commands.

use super::args::{self, Arg, Value};
use super::buffer::{self, Buffer};
use super::engine::Moment;
use super::error::{Error, Result, Status};
use super::handle::Token;
use super::hazard::Stage;
use super::kernel::{self, Kernel};
use super::staging::Staging;
use super::turn::turn;
use crate::compile::{Binding, BindingKind, Variant};
use crate::vulkan::Slice;
use std::ops::Range;
use std::sync::Arc;

/// A grid over the device's limit is split into at most so many dispatches, enough for 2^32 - 1 workgroups in one dimension.
const MAX_PIECES: u64 = 1 << 17;

/// How much to run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grid {
    Workgroups([u32; 3]),
    /// Invocations, rounded up to whole workgroups.
    Threads([u64; 3]),
}

impl Grid {
    /// In workgroups.
    fn workgroups(self, kernel: &Kernel) -> Result<[u32; 3]> {
        let threads = match self {
            Grid::Workgroups(groups) => return Ok(groups),
            Grid::Threads(threads) => threads,
        };
        let interface = &kernel.compiled.interface;
        let mut groups = [0; 3];
        for i in 0..3 {
            let axis = ['x', 'y', 'z'][i];
            if threads[i] > 1 << 32 && interface.reads_global_id {
                let message = format!(
                    "{} invocations in {axis}: kernel '{}' reads global_invocation_id, which ends at 2^32; use workgroup_id and \
                     local_invocation_id, or several dispatches",
                    threads[i], kernel.label
                );
                return Err(Error::new(Status::Limit, message));
            }
            let count = threads[i].div_ceil(interface.workgroup_size[i].max(1).into());
            groups[i] = u32::try_from(count).map_err(|_| {
                let message =
                    format!("{} invocations in {axis} are {count} workgroups of kernel '{}', beyond 2^32 - 1", threads[i], kernel.label);
                Error::new(Status::Limit, message)
            })?;
        }
        Ok(groups)
    }
}

/// A value for a binding, resolved.
enum Bound<'a> {
    Buffer { buffer: Arc<Buffer>, range: Range<u64> },
    Bytes(&'a [u8]),
}

/// See avx_dispatch and avx_dispatch_threads.
pub(crate) fn dispatch(stream: Token, kernel: Token, grid: Grid, given: &[Arg<'_>]) -> Result<()> {
    let (device, kernel) = kernel::enter(kernel)?;
    device.check_stream(stream)?;
    let groups = grid.workgroups(&kernel)?;
    let empty = groups.contains(&0);
    let subject = kernel.subject();
    let order = args::match_up(subject, given)?;
    let interface = &kernel.compiled.interface;

    let mut bound = Vec::with_capacity(order.len());
    let mut ranges = Vec::with_capacity(order.len());
    let mut ranged = Vec::with_capacity(order.len());
    for (binding, index) in interface.args.iter().zip(order) {
        match given[index].value {
            Value::Bytes(bytes) => {
                if !empty {
                    args::check_bytes(subject, binding, bytes, kernel::limits(&device))?;
                }
                bound.push(Bound::Bytes(bytes));
            }
            Value::Buffer { buffer: token, offset, size } => {
                let buffer = buffer::get(token).map_err(|e| Error::new(e.status, format!("{}: {e}", args::of(subject, binding))))?;
                device.owns(&buffer)?;
                if !empty {
                    let named = (|| buffer.name(), buffer.size);
                    let range = args::check_range(subject, binding, (offset, size), named, kernel::limits(&device))?;
                    ranges.push((token, range.clone(), binding.write));
                    ranged.push(binding);
                    bound.push(Bound::Buffer { buffer, range });
                }
            }
        }
    }
    if empty {
        return device.lock().check();
    }

    let limit = device.vulkan.snapshot().limits().max_compute_work_group_count;
    let variant = Variant { aliased: aliased(&kernel, &ranges, &ranged)?, split: (0..3).any(|i| groups[i] > limit[i]) };
    if variant.split {
        check_split(&kernel, groups, limit)?;
    }
    let pipeline = kernel.compiled.pipeline(&device, variant)?;

    let writes: Vec<bool> = interface.args.iter().map(|b| b.write).collect();
    let uses: Vec<(&Buffer, &Range<u64>, bool)> = bound
        .iter()
        .zip(&writes)
        .filter_map(|(b, write)| match b {
            Bound::Buffer { buffer, range } => Some((&**buffer, range, *write)),
            Bound::Bytes(_) => None,
        })
        .collect();
    let mut engine = turn(&device, &uses)?;
    let tracked: Vec<_> = uses.iter().map(|(buffer, range, write)| (buffer.track, (*range).clone(), *write)).collect();
    engine.record(Stage::Compute, &tracked, |commands, staging, now| {
        // Before anything can fail: from here on the batch may refer to the pipeline.
        kernel.used_by(now.submission);
        let (mut slices, push_constants) = slices(&kernel, &bound, staging, now)?;
        if !variant.split {
            commands.bind(pipeline, &slices, &push_constants)?;
            commands.dispatch(groups);
            return Ok(());
        }
        // All bases first: what can fail should fail before the first piece is recorded.
        let upload_base = |(base, count): ([u32; 3], [u32; 3])| {
            let bytes: Vec<u8> = base.into_iter().chain([0]).flat_map(u32::to_ne_bytes).collect();
            Ok((upload(staging, now, &bytes, bytes.len() as u64)?, count))
        };
        let pieces: Vec<(Slice, [u32; 3])> = pieces(groups, limit).map(upload_base).collect::<Result<_>>()?;
        for (base, count) in pieces {
            slices.push(base);
            commands.bind(pipeline, &slices, &push_constants)?;
            slices.pop();
            commands.dispatch(count);
        }
        Ok(())
    })?;
    engine.note_kernel(&kernel.label);
    device.pace(&mut engine)
}

/// Whether the kernel needs the variant whose bindings may overlap; refuses where there is none. `bindings[i]` gets `ranges[i]`.
fn aliased(kernel: &Kernel, ranges: &[(Token, Range<u64>, bool)], bindings: &[&Binding]) -> Result<bool> {
    let Some((i, j)) = args::overlap_with_write(ranges) else { return Ok(false) };
    if kernel.compiled.is_wgsl() {
        return Ok(true);
    }
    let (a, b) = (bindings[i], bindings[j]);
    if [a, b].iter().all(|binding| binding.aliased || binding.kind != BindingKind::Storage) {
        return Ok(false);
    }
    let message = format!(
        "{} and {} share bytes and one is written: the SPIR-V must decorate them with Aliased (WGSL kernels need nothing)",
        args::of(kernel.subject(), a),
        args::of(kernel.subject(), b)
    );
    Err(Error::new(Status::Arguments, message))
}

fn check_split(kernel: &Kernel, groups: [u32; 3], limit: [u32; 3]) -> Result<()> {
    let why = if kernel.compiled.interface.reads_num_workgroups {
        "it reads num_workgroups, so the grid cannot be split"
    } else if !kernel.compiled.is_wgsl() {
        "SPIR-V reaches the driver untouched, so the grid cannot be split"
    } else {
        let count = (0..3).map(|i| u64::from(groups[i].div_ceil(limit[i].max(1)))).product::<u64>();
        if count <= MAX_PIECES {
            return Ok(());
        }
        "the grid would be split into more pieces than one call may queue"
    };
    let message = format!(
        "{} x {} x {} workgroups of kernel '{}' are beyond this device's {} x {} x {}; {why}: use several dispatches",
        groups[0], groups[1], groups[2], kernel.label, limit[0], limit[1], limit[2]
    );
    Err(Error::new(Status::Limit, message))
}

/// The grid in pieces that the device takes: each with its first workgroup and its size.
fn pieces(groups: [u32; 3], limit: [u32; 3]) -> impl Iterator<Item = ([u32; 3], [u32; 3])> {
    let along = move |axis: usize| {
        let (total, step) = (groups[axis], limit[axis].max(1));
        (0..total).step_by(step as usize).map(move |base| (base, step.min(total - base)))
    };
    along(2).flat_map(move |z| along(1).flat_map(move |y| along(0).map(move |x| ([x.0, y.0, z.0], [x.1, y.1, z.1]))))
}

/// The ranges to bind, with uniform bytes put into staging memory; and the push constants.
fn slices(kernel: &Kernel, bound: &[Bound<'_>], staging: &mut Staging, now: Moment) -> Result<(Vec<Slice>, Vec<u8>)> {
    let mut slices = Vec::with_capacity(bound.len() + 1);
    let mut push_constants = Vec::new();
    for (binding, value) in kernel.compiled.interface.args.iter().zip(bound) {
        match value {
            Bound::Buffer { buffer, range } => slices.push(buffer.slice(range)),
            Bound::Bytes(bytes) if binding.kind == BindingKind::PushConstants => {
                push_constants.extend_from_slice(bytes);
                push_constants.resize(bytes.len().next_multiple_of(4), 0);
            }
            Bound::Bytes(bytes) => slices.push(upload(staging, now, bytes, binding.padded_size)?),
        }
    }
    Ok((slices, push_constants))
}

/// Bytes in staging memory, as a range of `size`.
fn upload(staging: &mut Staging, now: Moment, bytes: &[u8], size: u64) -> Result<Slice> {
    let (slice, window, at) = staging.small(size.max(bytes.len() as u64), now.submission, now.done)?;
    window.write(at, bytes);
    Ok(slice)
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn pieces_cover_the_grid_once() {
        let all: Vec<_> = pieces([10, 3, 2], [4, 2, 2]).collect();
        assert_eq!(all.len(), 3 * 2);
        assert!(all.iter().all(|(_, count)| count[0] <= 4 && count[1] <= 2 && count[2] <= 2));
        let total: u32 = all.iter().map(|(_, c)| c[0] * c[1] * c[2]).sum();
        assert_eq!(total, 60);
        assert!(all.contains(&([8, 2, 0], [2, 1, 2])));
    }

    #[test]
    fn the_largest_grid_does_not_overflow() {
        let (base, count) = pieces([u32::MAX, 1, 1], [65535, 65535, 65535]).last().unwrap();
        assert_eq!(base[0] as u64 + count[0] as u64, u64::from(u32::MAX));
    }
}
