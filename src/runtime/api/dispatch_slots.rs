//! A recorded dispatch with slots, and the values of a launch for them.

use super::dispatch;
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::device::core::Device;
use crate::runtime::kernel::args::{Arg, Value};
use crate::runtime::stream::command::{Grid, PreparedCommand};
use crate::runtime::stream::recording::{OwnedValue, SlotValue, Slotted};
use std::sync::Arc;

/// The command with the values of a launch. `None` if its grid is empty with them.
pub(crate) fn fill_in<'a>(slotted: &'a Slotted, device: &Arc<Device>, values: &'a [SlotValue]) -> Result<Option<PreparedCommand<'a>>> {
    let value_of = |slot: u32| {
        let missing = || invalid(format!("slot {slot} of the graph has no value; {} were given", values.len()));
        values.get(slot as usize).ok_or_else(missing)
    };
    let grid = match slotted.grid {
        Grid::Slot(slot) => Grid::Workgroups(words(slot, value_of(slot)?)?),
        grid => grid,
    };
    let mut args = Vec::with_capacity(slotted.args.len());
    for kept in &slotted.args {
        let mut slot = None;
        let value = match &kept.value {
            OwnedValue::Buffer(buffer, offset, size) => Value::Buffer { buffer: *buffer, offset: *offset, size: *size },
            OwnedValue::Bytes(bytes) => Value::Bytes(bytes),
            OwnedValue::Slot(of) => {
                slot = Some(*of);
                match value_of(*of)? {
                    SlotValue::None => {
                        return Err(invalid(format!("slot {of} of the graph has no value: params[{of}] is AVX_ARG_NONE")));
                    }
                    SlotValue::Buffer(buffer, offset, size) => Value::Buffer { buffer: *buffer, offset: *offset, size: *size },
                    SlotValue::Bytes(bytes) => Value::Bytes(bytes),
                }
            }
            OwnedValue::Offset(of, (buffer, base, size)) => {
                let offset = base
                    .checked_add(offset(*of, value_of(*of)?)?)
                    .ok_or_else(|| Error::new(Status::OutOfRange, format!("slot {of} of the graph: the offset passes 2^64 bytes")))?;
                Value::Buffer { buffer: *buffer, offset, size: *size }
            }
        };
        args.push(Arg { at: kept.at, value, unordered: kept.unordered, slot });
    }
    dispatch::prepare(device, &slotted.program, grid, &args)
}

fn words(slot: u32, value: &SlotValue) -> Result<[u32; 3]> {
    match value {
        SlotValue::Bytes(bytes) if bytes.len() == 12 => {
            Ok(std::array::from_fn(|i| u32::from_ne_bytes(std::array::from_fn(|j| bytes[i * 4 + j]))))
        }
        _ => Err(invalid(format!("slot {slot} of the graph is a number of workgroups: it takes three uint32_t, 12 bytes"))),
    }
}

fn offset(slot: u32, value: &SlotValue) -> Result<u64> {
    match value {
        SlotValue::Bytes(bytes) if bytes.len() == 8 => Ok(u64::from_ne_bytes(std::array::from_fn(|i| bytes[i]))),
        _ => Err(invalid(format!("slot {slot} of the graph is an offset: it takes one uint64_t, 8 bytes"))),
    }
}
