//! The commands of a graph: those that are the same at each launch, and those that wait for the values of a launch.

use super::access::AccessList;
use super::command::{Command, Grid, PreparedCommand};
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::Token;
use crate::runtime::kernel::args::{self, Arg, Value};
use crate::runtime::kernel::program::Program;
use crate::runtime::schedule::hazard::Stage;
use std::sync::Arc;

/// The most slots of a graph.
const MAX_SLOTS: u32 = 4096;

/// The commands that a stream records.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) nodes: Vec<Node>,
    /// The commands name the slots from 0 to this number, which is not one of them.
    pub(crate) slots: u32,
    /// The label of the graph.
    pub(crate) label: Option<String>,
}

/// A command of a graph.
pub(crate) enum Node {
    /// A command that is the same at each launch.
    Fixed(Box<PreparedCommand<'static>>),
    /// A dispatch that takes values of the launch.
    Slotted(Slotted),
}

/// See [`Node`].
pub(crate) struct Slotted {
    pub(crate) program: Arc<Program>,
    pub(crate) grid: Grid,
    pub(crate) args: Vec<OwnedArg>,
}

/// An argument that holds what it borrowed.
pub(crate) struct OwnedArg {
    pub(crate) at: Option<(u32, u32)>,
    pub(crate) value: OwnedValue,
    pub(crate) unordered: bool,
}

/// See [`OwnedArg`].
pub(crate) enum OwnedValue {
    Buffer(Token, u64, u64),
    Bytes(Vec<u8>),
    Slot(u32),
    /// A range. The launch adds the value of the slot to its offset.
    Offset(u32, (Token, u64, u64)),
}

/// The value of a slot for one launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SlotValue {
    /// The launch gives no value. The graph must not use the slot.
    None,
    Buffer(Token, u64, u64),
    Bytes(Vec<u8>),
}

impl SlotValue {
    /// The value that the caller gave for a slot.
    pub(crate) fn of(slot: usize, arg: &Arg<'_>) -> Result<SlotValue> {
        match arg.value {
            _ if arg.at.is_some() => Err(invalid(format!("params[{slot}]: AVX_ARG_FLAG_AT is for the arguments of dispatches"))),
            _ if arg.unordered => Err(invalid(format!("params[{slot}]: AVX_ARG_FLAG_UNORDERED is for the arguments of dispatches"))),
            Value::None => Ok(SlotValue::None),
            Value::Buffer { buffer, offset, size } => Ok(SlotValue::Buffer(buffer, offset, size)),
            Value::Bytes(bytes) => Ok(SlotValue::Bytes(bytes.to_vec())),
            Value::Param { .. } => Err(invalid(format!("params[{slot}]: the value of a slot is a buffer or bytes"))),
        }
    }
}

impl Recording {
    /// Keeps a command.
    pub(crate) fn push(&mut self, prepared: PreparedCommand<'_>) -> Result<()> {
        let PreparedCommand { command, accesses } = prepared;
        self.room()?;
        self.nodes.push(Node::Fixed(Box::new(PreparedCommand { command: command.into_owned(), accesses })));
        Ok(())
    }

    /// Keeps a dispatch with slots.
    pub(crate) fn push_slotted(&mut self, program: &Arc<Program>, grid: Grid, given: &[Arg<'_>]) -> Result<()> {
        let mut named = Vec::new();
        if let Grid::Slot(slot) = grid {
            named.push(slot);
        }
        let mut kept = Vec::with_capacity(given.len());
        for arg in given {
            let value = match arg.value {
                Value::None => return Err(args::nothing_given()),
                Value::Buffer { buffer, offset, size } => OwnedValue::Buffer(buffer, offset, size),
                Value::Bytes(bytes) => OwnedValue::Bytes(bytes.to_vec()),
                Value::Param { slot, range } => {
                    named.push(slot);
                    range.map_or(OwnedValue::Slot(slot), |range| OwnedValue::Offset(slot, range))
                }
            };
            kept.push(OwnedArg { at: arg.at, value, unordered: arg.unordered });
        }
        if let Some(slot) = named.iter().find(|slot| **slot >= MAX_SLOTS) {
            return Err(Error::new(Status::Limit, format!("slot {slot}: a graph has slots 0 to {}", MAX_SLOTS - 1)));
        }
        self.room()?;
        self.slots = named.into_iter().map(|slot| slot + 1).fold(self.slots, u32::max);
        self.nodes.push(Node::Slotted(Slotted { program: program.clone(), grid, args: kept }));
        Ok(())
    }

    fn room(&mut self) -> Result<()> {
        self.nodes.try_reserve(1).map_err(|_| crate::runtime::base::error::out_of_host_memory("the graph", size_of::<Node>()))
    }

    /// True if the last recorded command is a kernel, as far as the graph knows.
    pub(crate) fn follows_kernel(&self) -> bool {
        match self.nodes.last() {
            Some(Node::Fixed(prepared)) => prepared.command.stage() == Stage::Compute,
            Some(Node::Slotted(_)) => true,
            None => false,
        }
    }
}

impl Node {
    /// The command and its accesses, if it is the same at each launch.
    pub(crate) fn fixed(&self) -> Option<&PreparedCommand<'static>> {
        if let Node::Fixed(prepared) = self { Some(prepared) } else { None }
    }

    /// The name of the command in messages.
    pub(crate) fn name(&self) -> String {
        let program = match self {
            Node::Fixed(prepared) => match &prepared.command {
                Command::Dispatch(dispatch) => &dispatch.program,
                Command::Copy { .. } => return "a copy".into(),
                Command::Upload { .. } => return "a write".into(),
                Command::Repeat { .. } | Command::Fill { .. } => return "a fill".into(),
            },
            Node::Slotted(slotted) => &slotted.program,
        };
        format!("kernel '{}'", program.label)
    }
}

impl Slotted {
    /// How often the command uses the slot, in any way.
    pub(crate) fn uses_of(&self, slot: u32) -> usize {
        let uses = |arg: &&OwnedArg| matches!(arg.value, OwnedValue::Slot(of) | OwnedValue::Offset(of, _) if of == slot);
        usize::from(matches!(self.grid, Grid::Slot(of) if of == slot)) + self.args.iter().filter(uses).count()
    }
}

/// All accesses of some commands, each range once.
pub(crate) fn merged<'a>(all: impl Iterator<Item = &'a AccessList>) -> AccessList {
    let mut seen = std::collections::HashMap::new();
    let mut merged = AccessList::default();
    for accesses in all {
        for (entry, buffer) in accesses.list.iter().zip(&accesses.buffers) {
            let access = &entry.access;
            let key = (entry.id, access.stage as u8, access.write, access.unordered, access.range.start, access.range.end);
            if seen.insert(key, ()).is_none() {
                merged.add(buffer.clone(), access.clone());
            }
        }
    }
    merged
}
