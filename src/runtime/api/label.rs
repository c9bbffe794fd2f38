//! Labels for handles of every kind. A handle carries its kind.

use super::{buffer, event, graph};
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::{HandleKind, Token};
use crate::runtime::device::guard;
use crate::runtime::object::kernel;
use crate::runtime::stream::destination;

/// Names an object for messages and traces. `None` brings its name without a label back.
pub(crate) fn set_label(token: Token, label: Option<&str>) -> Result<()> {
    match token.kind() {
        Some(HandleKind::Device) => set_device_label(token, label),
        Some(HandleKind::Stream) => destination::set_label(token, label),
        Some(HandleKind::Buffer) => buffer::set_label(token, label),
        Some(HandleKind::Kernel) => kernel::set_label(token, label),
        Some(HandleKind::Event) => event::set_label(token, label),
        Some(HandleKind::Graph) => graph::set_label(token, label),
        None if token.is_null() => {
            Err(Error::new(Status::InvalidHandle, "NULL is not a handle; the default stream has a handle of its own"))
        }
        None => Err(Error::new(Status::InvalidHandle, format!("{:#018x} is not a handle of this library", token.0))),
    }
}

fn set_device_label(token: Token, label: Option<&str>) -> Result<()> {
    let device = guard::enter(token)?;
    device.label.set(label);
    if let Some(gpu_trace) = &device.lock().gpu_trace {
        gpu_trace.rename(&device.label.get());
    }
    Ok(())
}
