//! The commands.
//!
//! | command | file |
//! |---|---|
//! | `avxc check` | `check` |
//! | `avxc devices` | `devices` |
//! | `avxc info` | `info` |
//! | `avxc spirv`, `avxc disasm` | `output` |
//! | `avxc run` | `run` |

mod check;
mod devices;
mod info;
mod output;
mod run;

use crate::abi;
use crate::cli::{Flag, Invocation, Verb};
use crate::error::{Result, usage};
use crate::output_style::OutputStyle;
use crate::source::Code;

/// Runs a command.
pub(crate) fn run(invocation: &Invocation, style: &OutputStyle) -> Result<()> {
    match invocation.command.verb {
        Verb::Check => check::run(invocation, style),
        Verb::Info => info::run(invocation, style),
        Verb::Spirv => output::spirv(invocation, style),
        Verb::Disasm => output::disasm(invocation, style),
        Verb::Run => run::run(invocation, style),
        Verb::Devices => devices::run(invocation, style),
        // The parser turns this command into a request of its own.
        Verb::Help => style.print(&crate::help::manual()),
    }
}

/// The code once for each entry point: the chosen one, or all of them.
fn each_entry(code: &Code) -> Result<Vec<Code>> {
    if code.entry.is_some() {
        return Ok(vec![code.clone()]);
    }
    let names = abi::entry_points(code)?;
    // Without an entry point, or if the code cannot be parsed, the compiler reports that.
    if names.len() < 2 {
        return Ok(vec![code.clone()]);
    }
    Ok(names.into_iter().map(|name| Code { entry: Some(name), ..code.clone() }).collect())
}

/// The minor version that --vulkan gives, if it is used.
fn vulkan(invocation: &Invocation) -> Result<Option<u32>> {
    let minor = |text: &str| match text {
        "1.1" => Ok(1),
        "1.2" => Ok(2),
        "1.3" => Ok(3),
        "1.4" => Ok(4),
        other => Err(usage(format!("--vulkan: '{other}' is not one of 1.1, 1.2, 1.3, 1.4"))),
    };
    invocation.one(Flag::Vulkan).map(minor).transpose()
}

/// The minor version that --vulkan gives, or the default in the manual.
fn vulkan_or_default(invocation: &Invocation) -> Result<u32> {
    Ok(vulkan(invocation)?.unwrap_or(3))
}
