//! Which other devices of the machine have what one device lacks. The error of a kernel that is refused names them.

use super::adapters;
use super::context::CompileContext;
use crate::compile;
use crate::runtime::base::error::Error;
use crate::vulkan::{self, Features};

/// Adds to the error of a refused kernel the devices that would take it, if this device lacks something that the kernel needs.
pub(crate) fn with_alternatives(refusal: compile::Error, context: &CompileContext) -> Error {
    let missing: Vec<u32> = refusal.missing.iter().map(|&capability| capability as u32).collect();
    let mut error = Error::from(refusal);
    // With all optional features off, no other device would be opened with more.
    if missing.is_empty() || *context.vulkan.features() == Features::default() {
        return error;
    }
    // If the devices cannot be listed, the error stays as it is.
    let Ok(adapters::Visible { snapshots: all, .. }) = adapters::visible(context.vulkan.instance()) else { return error };
    let others = all.iter().enumerate().filter(|(index, one)| {
        let has = vulkan::spirv_capabilities(&one.features);
        *index as u32 != context.index && one.usable.is_ok() && missing.iter().all(|number| has.contains(number))
    });
    let names: Vec<String> = others.map(|(index, one)| format!("\"{}\" (device {index})", one.title)).collect();
    let one = missing.len() == 1;
    error.message += &match names.as_slice() {
        [] => format!("; no other device of this machine has {}", if one { "it" } else { "all of them" }),
        names => format!("; of this machine's devices {} would take it", names.join(" and ")),
    };
    error
}
