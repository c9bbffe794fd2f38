//! Commands as data. A command is made from checked arguments. It is recorded into a batch at once, or kept in a graph and recorded for its
//! launches.

use super::access::AccessList;
use crate::compile::Variant;
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::Token;
use crate::runtime::kernel::program::Program;
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::hazard::Stage;
use crate::vulkan::{Commands, Slice};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// A command and its accesses.
pub(crate) struct PreparedCommand<'a> {
    pub(crate) command: Command<'a>,
    pub(crate) accesses: AccessList,
}

/// A command.
#[expect(clippy::large_enum_variant, reason = "most are dispatches, and boxing one would cost an allocation each")]
pub(crate) enum Command<'a> {
    Dispatch(Dispatch<'a>),
    /// A copy by the device's copy command.
    Copy {
        src: Slice,
        dst: Slice,
    },
    /// Bytes that the command holds, copied into a buffer.
    Upload {
        bytes: Cow<'a, [u8]>,
        dst: Slice,
    },
    /// The bytes, repeated to the end of the range. The last repetition may be cut.
    Repeat {
        bytes: Vec<u8>,
        dst: Slice,
    },
    /// A fill by the device's fill command. Offset and size are multiples of what the command demands.
    Fill {
        dst: Slice,
        word: u32,
    },
}

/// A kernel over a grid.
pub(crate) struct Dispatch<'a> {
    pub(crate) program: Arc<Program>,
    pub(crate) variant: Variant,
    /// One for each argument of the kernel, in order.
    pub(crate) bound: SmallVec<[BoundArg<'a>; 6]>,
    pub(crate) size: GridSize,
}

/// A kernel over a grid, with everything borrowed.
#[derive(Clone, Copy)]
pub(crate) struct DispatchRef<'r, 'a> {
    pub(crate) program: &'r Program,
    pub(crate) variant: Variant,
    pub(crate) bound: &'r [BoundArg<'a>],
    pub(crate) size: GridSize,
}

/// The value of a binding, resolved.
pub(crate) enum BoundArg<'a> {
    Slice(Slice),
    /// Bytes for a uniform binding, the size of the binding with padding, and the slot of a graph that they came from.
    Bytes(Cow<'a, [u8]>, u64, Option<u32>),
    PushConstants(Cow<'a, [u8]>),
}

/// How much to run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grid {
    Workgroups([u32; 3]),
    /// Invocations, rounded up to whole workgroups.
    Threads([u64; 3]),
    /// The three words at this offset of a buffer, as they are when the device gets there.
    Indirect(Token, u64),
    /// The three words that each launch gives for this slot of a graph.
    Slot(u32),
}

/// The number of workgroups.
#[derive(Clone, Copy)]
pub(crate) enum GridSize {
    Direct([u32; 3]),
    /// Split into pieces that the device takes, by the variant of the kernel whose ids start at a base.
    Split([u32; 3], [u32; 3]),
    /// As three words in a buffer.
    Indirect(Slice),
}

/// Puts bytes where the device sees them, into a range of at least this many bytes. The third argument is the slot of a graph that the
/// bytes came from.
pub(crate) type Upload<'u> = dyn FnMut(&[u8], u64, Option<u32>) -> Result<Slice> + 'u;

impl Command<'_> {
    /// The stage in which the command accesses memory.
    pub(crate) fn stage(&self) -> Stage {
        if matches!(self, Command::Dispatch(_)) { Stage::Compute } else { Stage::Transfer }
    }

    /// The program of a dispatch.
    pub(crate) fn program(&self) -> Option<&Program> {
        if let Command::Dispatch(dispatch) = self { Some(&dispatch.program) } else { None }
    }

    /// The label of the command in a trace.
    pub(crate) fn label<'l>(&'l self, accesses: &AccessList) -> CommandLabel<'l> {
        match self {
            Command::Dispatch(dispatch) => dispatch.borrowed().label(accesses),
            Command::Copy { src, .. } => CommandLabel::new("copy", src.size),
            Command::Upload { dst, .. } => CommandLabel::new("write", dst.size),
            Command::Repeat { dst, .. } | Command::Fill { dst, .. } => CommandLabel::new("fill", dst.size),
        }
    }

    /// The same command with bytes of its own.
    pub(crate) fn into_owned(self) -> Command<'static> {
        match self {
            Command::Dispatch(Dispatch { program, variant, bound, size }) => {
                let own = |bound| match bound {
                    BoundArg::Slice(slice) => BoundArg::Slice(slice),
                    BoundArg::Bytes(bytes, size, slot) => BoundArg::Bytes(Cow::Owned(bytes.into_owned()), size, slot),
                    BoundArg::PushConstants(bytes) => BoundArg::PushConstants(Cow::Owned(bytes.into_owned())),
                };
                Command::Dispatch(Dispatch { program, variant, bound: bound.into_iter().map(own).collect(), size })
            }
            Command::Copy { src, dst } => Command::Copy { src, dst },
            Command::Upload { bytes, dst } => Command::Upload { bytes: Cow::Owned(bytes.into_owned()), dst },
            Command::Repeat { bytes, dst } => Command::Repeat { bytes, dst },
            Command::Fill { dst, word } => Command::Fill { dst, word },
        }
    }

    /// Records the command. Everything that can fail comes before the first command.
    pub(crate) fn encode(&self, commands: &mut Commands, upload: &mut Upload<'_>) -> Result<()> {
        match self {
            Command::Dispatch(dispatch) => dispatch.borrowed().encode(commands, upload)?,
            Command::Copy { src, dst } => commands.copy(*src, *dst),
            Command::Upload { bytes, dst } => {
                let source = upload(bytes, bytes.len() as u64, None)?;
                commands.copy(source, *dst);
            }
            Command::Repeat { bytes, dst } => {
                let source = upload(bytes, bytes.len() as u64, None)?;
                commands.copy_repeated(source, *dst);
            }
            Command::Fill { dst, word } => commands.fill(*dst, *word),
        }
        Ok(())
    }
}

impl<'a> Dispatch<'a> {
    /// The dispatch with everything borrowed, as it is recorded.
    pub(crate) fn borrowed(&self) -> DispatchRef<'_, 'a> {
        DispatchRef { program: &self.program, variant: self.variant, bound: &self.bound, size: self.size }
    }
}

impl<'r> DispatchRef<'r, '_> {
    /// The label of the dispatch in a trace.
    pub(crate) fn label(&self, accesses: &AccessList) -> CommandLabel<'r> {
        let bytes = accesses.list.iter().map(|entry| entry.access.range.end - entry.access.range.start);
        let workgroups = match self.size {
            GridSize::Direct(groups) | GridSize::Split(groups, _) => Some(groups),
            GridSize::Indirect(_) => None,
        };
        CommandLabel { name: &self.program.label, workgroups, bytes: bytes.sum() }
    }

    /// Records the dispatch. Everything that can fail comes before the first command.
    pub(crate) fn encode(&self, commands: &mut Commands, upload: &mut Upload<'_>) -> Result<()> {
        let pipeline = self.program.compiled.made(self.variant).ok_or_else(no_pipeline)?;
        let mut slices: SmallVec<[Slice; 8]> = SmallVec::new();
        let mut push_constants: SmallVec<[u8; 128]> = SmallVec::new();
        for bound in self.bound {
            match bound {
                BoundArg::Slice(slice) => slices.push(*slice),
                BoundArg::Bytes(bytes, size, slot) => slices.push(upload(bytes, (*size).max(bytes.len() as u64), *slot)?),
                BoundArg::PushConstants(bytes) => {
                    push_constants.extend_from_slice(bytes);
                    push_constants.resize(bytes.len().next_multiple_of(4), 0);
                }
            }
        }
        match self.size {
            GridSize::Direct(groups) => {
                commands.bind(pipeline, &slices, &push_constants)?;
                commands.dispatch(groups);
            }
            GridSize::Indirect(counts) => {
                commands.bind(pipeline, &slices, &push_constants)?;
                commands.dispatch_indirect(counts);
            }
            GridSize::Split(groups, limit) => {
                // All bases are uploaded first, because everything that can fail must come before the first piece is recorded.
                let upload_base = |(base, count): ([u32; 3], [u32; 3])| {
                    let bytes: SmallVec<[u8; 16]> = base.into_iter().chain([0]).flat_map(u32::to_ne_bytes).collect();
                    Ok((upload(&bytes, bytes.len() as u64, None)?, count))
                };
                let pieces: Vec<(Slice, [u32; 3])> = pieces(groups, limit).map(upload_base).collect::<Result<_>>()?;
                for (base, count) in pieces {
                    slices.push(base);
                    commands.bind(pipeline, &slices, &push_constants)?;
                    slices.pop();
                    commands.dispatch(count);
                }
            }
        }
        Ok(())
    }
}

/// The grid in pieces that the device takes, each with its first workgroup and its size.
fn pieces(groups: [u32; 3], limit: [u32; 3]) -> impl Iterator<Item = ([u32; 3], [u32; 3])> {
    let along = move |axis: usize| {
        let (total, step) = (groups[axis], limit[axis].max(1));
        (0..total).step_by(step as usize).map(move |base| (base, step.min(total - base)))
    };
    along(2).flat_map(move |z| along(1).flat_map(move |y| along(0).map(move |x| ([x.0, y.0, z.0], [x.1, y.1, z.1]))))
}

#[cold]
fn no_pipeline() -> Error {
    Error::new(Status::Internal, "a dispatch was recorded before its pipeline was made")
}

/// The error of a slot of a graph in a call on a stream that does not record.
pub(crate) fn no_slots_here() -> Error {
    Error::new(Status::InvalidArgument, "slots are for graphs: the stream records none (avx_graph_begin gives one that does)")
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
