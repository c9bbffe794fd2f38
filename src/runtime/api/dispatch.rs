//! One dispatch, from the arguments of the caller to a command: the slow path.

use super::dispatch_fast;
use super::enqueue;
use crate::compile::{Binding, BindingKind, Variant};
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::Token;
use crate::runtime::device::core::Device;
use crate::runtime::kernel::args::{self, Arg, ArgSource, Value};
use crate::runtime::kernel::program::Program;
use crate::runtime::object::buffer::{self, Buffer};
use crate::runtime::object::kernel;
use crate::runtime::schedule::hazard::{Access, Stage};
use crate::runtime::stream::command::{self, BoundArg, Command, Dispatch, DispatchRef, GridSize, PreparedCommand};
use crate::runtime::stream::destination::Destination;
use crate::sys::DefaultThreadState;

use crate::runtime::stream::access::{AccessList, check_owner};
pub(crate) use crate::runtime::stream::command::Grid;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// A grid beyond the device's limit is split into at most this many dispatches. That is enough for 2^32 - 1 workgroups in one dimension.
const MAX_PIECES: u64 = 1 << 17;

/// The grid in workgroups, where that is known.
fn workgroups(grid: Grid, program: &Program) -> Result<[u32; 3]> {
    let threads = match grid {
        Grid::Workgroups(groups) => return Ok(groups),
        Grid::Threads(threads) => threads,
        Grid::Indirect(..) => return Ok([1; 3]),
        Grid::Slot(_) => return Err(command::no_slots_here()),
    };
    let interface = &program.compiled.interface;
    let mut groups = [0; 3];
    for i in 0..3 {
        let axis = ['x', 'y', 'z'][i];
        if threads[i] > 1 << 32 && interface.reads_global_id {
            let message = format!(
                "{} invocations in {axis}: kernel '{}' reads global_invocation_id, which ends at 2^32; use workgroup_id and \
                 local_invocation_id, or several dispatches",
                threads[i], program.label
            );
            return Err(Error::new(Status::Limit, message));
        }
        let count = threads[i].div_ceil(interface.workgroup_size[i].max(1).into());
        groups[i] = u32::try_from(count).map_err(|_| {
            let message =
                format!("{} invocations in {axis} are {count} workgroups of kernel '{}', beyond 2^32 - 1", threads[i], program.label);
            Error::new(Status::Limit, message)
        })?;
    }
    Ok(groups)
}

/// See avx_dispatch and the functions beside it.
pub(crate) fn dispatch<'a>(stream: Token, kernel: Token, grid: Grid, given: &impl ArgSource<'a>) -> Result<()> {
    if let Grid::Workgroups(groups) = grid
        && let Some(outcome) = dispatch_fast::dispatch(stream, kernel, groups, given)
    {
        return outcome;
    }
    any(stream, kernel, grid, &given.all()?)
}

/// A dispatch of workgroups by the fast path alone, or by the slow path alone, so that tests can compare the two. `None`, with nothing
/// done, for a call that the fast path leaves to the slow path.
pub(crate) fn by_path<'a>(fast: bool, stream: Token, kernel: Token, groups: [u32; 3], given: &impl ArgSource<'a>) -> Option<Result<()>> {
    match fast {
        true => dispatch_fast::dispatch(stream, kernel, groups, given),
        false => Some(given.all().and_then(|given| any(stream, kernel, Grid::Workgroups(groups), &given))),
    }
}

/// As [`dispatch`], for a grid of any kind, by the slow path.
fn any(stream: Token, kernel: Token, grid: Grid, given: &[Arg<'_>]) -> Result<()> {
    let _default = DefaultThreadState::enter();
    let (device, kernel) = kernel::enter(kernel)?;
    let program = &kernel.program;
    let destination = device.destination(stream)?;
    if program.compiled.debug().is_some() && matches!(destination, Destination::Recording(_)) {
        let message = format!(
            "kernel '{}' was made with AVX_KERNEL_DEBUG, and what it reports belongs to one dispatch: record one made without into a graph",
            program.label
        );
        return Err(Error::new(Status::Unsupported, message));
    }
    let has_slots = matches!(grid, Grid::Slot(_)) || given.iter().any(|arg| matches!(arg.value, Value::Param { .. }));
    if has_slots {
        let Destination::Recording(stream) = &destination else { return Err(command::no_slots_here()) };
        let order = args::match_up(program.diagnostic_name(), given)?;
        check_handles(&device, program, order.iter().map(|&i| &given[i]))?;
        return stream.recording(|recording| recording.push_slotted(program, grid, given));
    }
    let mut parts = Parts::default();
    let Some((variant, size)) = check(&device, program, grid, given, &mut parts)? else {
        return device.lock().check();
    };
    match &destination {
        Destination::Live(stream) => {
            let report = device.begin_report(stream, program)?;
            if let Some(report) = &report {
                parts.bound.push(BoundArg::Slice(report.slice()));
                parts.accesses.list.extend(report.access());
            }
            let dispatch_ref = DispatchRef { program, variant, bound: &parts.bound, size };
            enqueue::encoded(
                &device,
                stream,
                &parts.accesses,
                || dispatch_ref.label(&parts.accesses),
                Some(program),
                |commands, upload| dispatch_ref.encode(commands, upload),
            )
        }
        Destination::Recording(_) => enqueue::run(&device, &destination, parts.into_command(program.clone(), variant, size)),
    }
}

/// Fails unless the buffers that a slotted dispatch names are live buffers of the device. Each launch checks their ranges. `given` is in
/// the order of the program's arguments.
fn check_handles<'a>(device: &Arc<Device>, program: &Program, given: impl Iterator<Item = &'a Arg<'a>>) -> Result<()> {
    for (binding, arg) in program.compiled.interface.args.iter().zip(given) {
        if let Value::Buffer { buffer: token, .. } | Value::Param { range: Some((token, ..)), .. } = arg.value {
            let buffer = named(program.diagnostic_name(), binding, token)?;
            check_owner(device, &buffer)?;
        }
    }
    Ok(())
}

/// The buffer that the caller gave for a binding.
fn named(kernel_name: args::KernelName<'_>, binding: &Binding, token: Token) -> Result<Arc<Buffer>> {
    buffer::get(token).map_err(|e| Error::new(e.status, format!("{}: {e}", args::binding_name(kernel_name, binding))))
}

/// What a dispatch binds and accesses. It is large, so it is filled in place.
#[derive(Default)]
struct Parts<'a> {
    bound: SmallVec<[BoundArg<'a>; 6]>,
    accesses: AccessList,
}

impl<'a> Parts<'a> {
    fn into_command(self, program: Arc<Program>, variant: Variant, size: GridSize) -> PreparedCommand<'a> {
        PreparedCommand { command: Command::Dispatch(Dispatch { program, variant, bound: self.bound, size }), accesses: self.accesses }
    }
}

/// Checks a dispatch and makes a command of it. `None` for an empty grid.
pub(crate) fn prepare<'a>(
    device: &Arc<Device>,
    program: &Arc<Program>,
    grid: Grid,
    given: &[Arg<'a>],
) -> Result<Option<PreparedCommand<'a>>> {
    let mut parts = Parts::default();
    let checked = check(device, program, grid, given, &mut parts)?;
    Ok(checked.map(|(variant, size)| parts.into_command(program.clone(), variant, size)))
}

/// Checks a dispatch and fills in its parts. `None` for an empty grid.
fn check<'a>(
    device: &Arc<Device>,
    program: &Arc<Program>,
    grid: Grid,
    given: &[Arg<'a>],
    parts: &mut Parts<'a>,
) -> Result<Option<(Variant, GridSize)>> {
    let groups = workgroups(grid, program)?;
    let empty = groups.contains(&0);
    let kernel_name = program.diagnostic_name();
    let wanted = &program.compiled.interface.args;
    let positional = given.len() == wanted.len() && given.iter().all(|arg| arg.at.is_none());
    let order = if positional { SmallVec::new() } else { args::match_up(kernel_name, given)? };

    let Parts { bound, accesses } = parts;
    let mut ranged: SmallVec<[&Binding; 6]> = SmallVec::new();
    for (i, binding) in wanted.iter().enumerate() {
        let arg = &given[if positional { i } else { order[i] }];
        match arg.value {
            Value::None => return Err(args::nothing_given()),
            Value::Param { .. } => return Err(command::no_slots_here()),
            Value::Bytes(_) if empty => {}
            Value::Bytes(bytes) => {
                args::check_bytes(kernel_name, binding, bytes, device.compile.limits)?;
                bound.push(match binding.kind {
                    BindingKind::PushConstants => BoundArg::PushConstants(Cow::Borrowed(bytes)),
                    _ => BoundArg::Bytes(Cow::Borrowed(bytes), binding.padded_size, arg.slot),
                });
            }
            Value::Buffer { buffer: token, offset, size } => {
                let buffer = named(kernel_name, binding, token)?;
                check_owner(device, &buffer)?;
                if empty {
                    continue;
                }
                let named = (|| buffer.name(), buffer.storage.size);
                let range = args::check_range(kernel_name, binding, (offset, size), named, device.compile.limits)?;
                if arg.unordered {
                    args::check_unordered(kernel_name, binding)?;
                }
                bound.push(BoundArg::Slice(buffer.slice(&range)));
                ranged.push(binding);
                accesses.add(buffer, Access { range, stage: args::stage(binding), write: binding.write, unordered: arg.unordered });
            }
        }
    }
    if empty {
        return Ok(None);
    }
    let limit = device.vulkan.snapshot().limits().max_compute_work_group_count;
    let variant = Variant { aliased: aliased(program, accesses, &ranged)?, split: (0..3).any(|i| groups[i] > limit[i]) };
    let mut size = GridSize::Direct(groups);
    if variant.split {
        check_split(program, groups, limit)?;
        size = GridSize::Split(groups, limit);
    }
    if let Grid::Indirect(counts, offset) = grid {
        let buffer = buffer::get(counts)?;
        check_owner(device, &buffer)?;
        let range = buffer.range(offset, 12)?;
        if !offset.is_multiple_of(4) {
            let message = format!("offset {offset} of the workgroup counts in {} is not a multiple of 4", buffer.name());
            return Err(Error::new(Status::Arguments, message));
        }
        size = GridSize::Indirect(buffer.slice(&range));
        accesses.add(buffer, Access { range, stage: Stage::Indirect, write: false, unordered: false });
    }
    // The pipeline of the variant is made here, so that nothing is compiled under a lock.
    device.pipeline(&program.compiled, variant)?;
    Ok(Some((variant, size)))
}

/// True if the kernel needs the variant whose bindings may overlap. Fails if there is no such variant. `bindings[i]` gets `ranges[i]`.
fn aliased(program: &Program, ranges: &AccessList, bindings: &[&Binding]) -> Result<bool> {
    let Some((i, j)) = args::overlap_with_write(&ranges.list) else { return Ok(false) };
    if !program.compiled.is_users_spirv() {
        return Ok(true);
    }
    let (a, b) = (bindings[i], bindings[j]);
    if [a, b].iter().all(|binding| binding.aliased || binding.kind != BindingKind::Storage) {
        return Ok(false);
    }
    let message = format!(
        "{} and {} share bytes and one is written: the SPIR-V must decorate them with Aliased (WGSL and GLSL kernels need nothing)",
        args::binding_name(program.diagnostic_name(), a),
        args::binding_name(program.diagnostic_name(), b)
    );
    Err(Error::new(Status::Arguments, message))
}

fn check_split(program: &Program, groups: [u32; 3], limit: [u32; 3]) -> Result<()> {
    let why = if program.compiled.interface.reads_num_workgroups {
        "it reads num_workgroups, so the grid cannot be split"
    } else if program.compiled.is_users_spirv() {
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
        groups[0], groups[1], groups[2], program.label, limit[0], limit[1], limit[2]
    );
    Err(Error::new(Status::Limit, message))
}
