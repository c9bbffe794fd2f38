//! Which other devices of the machine have what one lacks: part of what a refused kernel is told.

use super::adapters;
use super::context::CompileContext;
use crate::compile;
use crate::runtime::base::error::Error;
use crate::vulkan::{self, Features};

/// A refusal, with the devices that would take the kernel if it is for something that this one lacks.
pub(crate) fn with_alternatives(refusal: compile::Error, context: &CompileContext) -> Error {
    let missing: Vec<u32> = refusal.missing.iter().map(|&capability| capability as u32).collect();
    let mut error = Error::from(refusal);
    // With nothing optional on, no device would be opened with more.
    if missing.is_empty() || *context.vulkan.features() == Features::default() {
        return error;
    }
    // What cannot be listed cannot be told of; the refusal stands.
    let Ok(all) = adapters::visible(context.vulkan.instance()) else { return error };
    let others = all.iter().enumerate().filter(|(index, one)| {
        let has = vulkan::spirv_capabilities(&one.features);
        *index as u32 != context.index && one.usable.is_ok() && missing.iter().all(|number| has.contains(number))
    });
    let names: Vec<String> = others.map(|(index, one)| format!("\"{}\" (device {index})", one.name)).collect();
    let one = missing.len() == 1;
    error.message += &match names.as_slice() {
        [] => format!("; no other device of this machine has {}", if one { "it" } else { "all of them" }),
        names => format!("; of this machine's devices {} would take it", names.join(" and ")),
    };
    error
}
