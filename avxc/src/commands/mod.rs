//! What each command does.

mod check;
mod devices;
mod info;
mod output;
mod run;

use crate::abi;
use crate::cli::{Flag, Invocation, Verb};
use crate::failure::{Result, usage};
use crate::paint::Paint;
use crate::source::Code;

/// Runs a command.
pub(crate) fn run(invocation: &Invocation, paint: &Paint) -> Result<()> {
    match invocation.command.verb {
        Verb::Check => check::run(invocation, paint),
        Verb::Info => info::run(invocation, paint),
        Verb::Spirv => output::spirv(invocation, paint),
        Verb::Disasm => output::disasm(invocation, paint),
        Verb::Run => run::run(invocation, paint),
        Verb::Devices => devices::run(invocation, paint),
        // The parser has made a request of its own of it.
        Verb::Help => paint.print(&crate::help::manual()),
    }
}

/// The code once for each entry point: the one that is named, or all there are.
fn each_entry(code: &Code) -> Result<Vec<Code>> {
    if code.entry.is_some() {
        return Ok(vec![code.clone()]);
    }
    let names = abi::entry_points(code)?;
    // With none, or where the code is not understood, the compiler says so.
    if names.len() < 2 {
        return Ok(vec![code.clone()]);
    }
    Ok(names.into_iter().map(|name| Code { entry: Some(name), ..code.clone() }).collect())
}

/// The minor version of --vulkan, if it is given.
fn vulkan(invocation: &Invocation) -> Result<Option<u32>> {
    let minor = |text: &str| match text {
        "1.1" => Ok(1),
        "1.2" => Ok(2),
        "1.3" => Ok(3),
        "1.4" => Ok(4),
        other => Err(usage(format!("--vulkan: '{other}' is none of 1.1, 1.2, 1.3, 1.4"))),
    };
    invocation.one(Flag::Vulkan).map(minor).transpose()
}

/// The minor version of --vulkan, or that of the manual.
fn vulkan_or_default(invocation: &Invocation) -> Result<u32> {
    Ok(vulkan(invocation)?.unwrap_or(3))
}
