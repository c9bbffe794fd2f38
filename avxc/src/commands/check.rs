//! `avxc check`: tests whether kernels compile, on devices or for a version of Vulkan.

use super::{each_entry, vulkan};
use crate::abi::{self, Device};
use crate::cli::{Flag, Invocation};
use crate::error::{Error, Exit, LibraryError, Result, cannot_open};
use crate::output_style::{Colour, OutputStyle};
use crate::required_limits;
use crate::source::{self, Code};
use std::path::Path;

/// The target that a kernel is compiled for.
enum CheckTarget {
    /// Vulkan 1.`minor`.
    Vulkan(u32),
    /// A device and its name in the output.
    Device(Device, String),
}

impl CheckTarget {
    fn name(&self) -> String {
        match self {
            CheckTarget::Vulkan(minor) => format!("Vulkan 1.{minor}"),
            CheckTarget::Device(_, name) => name.clone(),
        }
    }

    /// Compiles a kernel. Returns what it needs beyond the limits that every device of the version has.
    fn compile(&self, code: &Code) -> std::result::Result<Vec<String>, LibraryError> {
        match self {
            CheckTarget::Vulkan(minor) => abi::compile_offline(code, *minor).map(|kernel| required_limits::exceeded(&kernel, *minor)),
            CheckTarget::Device(device, _) => device.kernel(code).map(|_| Vec::new()),
        }
    }
}

pub(crate) fn run(invocation: &Invocation, style: &OutputStyle) -> Result<()> {
    let targets = targets(invocation, style)?;
    let mut first: Option<Exit> = None;
    for path in &invocation.files {
        if let Err(error) = file(path, invocation, &targets, style) {
            if !error.message.is_empty() {
                style.error(&error.message);
            } else if error.exit == Exit::Done {
                return Err(error);
            }
            first = first.or(Some(error.exit));
        }
    }
    first.map_or(Ok(()), |exit| Err(Error::reported(exit)))
}

/// The targets: a version, the chosen device, or every usable device.
fn targets(invocation: &Invocation, style: &OutputStyle) -> Result<Vec<CheckTarget>> {
    if let Some(minor) = vulkan(invocation)? {
        if invocation.has(Flag::Device) {
            return Err(crate::error::usage("--vulkan and --device exclude each other"));
        }
        return Ok(vec![CheckTarget::Vulkan(minor)]);
    }
    let open = |selector: &str| -> std::result::Result<CheckTarget, LibraryError> {
        let device = Device::open(Some(selector))?;
        let info = device.info()?;
        Ok(CheckTarget::Device(device, format!("{} {}", info.index, info.name())))
    };
    if let Some(selector) = invocation.one(Flag::Device) {
        return Ok(vec![open(selector).map_err(cannot_open)?]);
    }
    let devices = abi::devices().map_err(|error| {
        let mut error = cannot_open(error);
        error.message.push_str("\nWithout a driver, 'avxc check --vulkan 1.3' checks for a version of Vulkan.");
        error
    })?;
    let mut targets = Vec::new();
    for info in &devices {
        let opened = if info.usable == 0 { Err(info.reason()) } else { open(&info.index.to_string()).map_err(|error| error.message) };
        match opened {
            Ok(target) => targets.push(target),
            Err(why) => style.warn(&format!("{} {} is skipped: {why}", info.index, info.name())),
        }
    }
    if targets.is_empty() {
        return Err(Error::new(Exit::NoDevice, "none of this machine's devices is usable"));
    }
    Ok(targets)
}

/// Checks one file. Errors that it prints itself have no message.
fn file(path: &Path, invocation: &Invocation, targets: &[CheckTarget], style: &OutputStyle) -> Result<()> {
    let code = source::read(path, invocation)?;
    let mut failed = false;
    for code in each_entry(&code)? {
        let entry = code.entry.as_deref().map(|entry| format!("{entry}: ")).unwrap_or_default();
        let mut said: Vec<String> = Vec::new();
        for target in targets {
            let name = target.name();
            let line = format!("{}: {entry}{name}: ", code.label);
            match target.compile(&code) {
                Ok(needs) if needs.is_empty() => style.print(&format!("{line}{}\n", style.word(Colour::Success, "ok")))?,
                Ok(needs) => {
                    let word = style.word(Colour::Success, "ok");
                    style.print(&format!("{line}{word} on devices with\n    {}\n", needs.join("\n    ")))?;
                }
                Err(error) => {
                    failed = true;
                    style.print(&format!("{line}{}\n", style.word(Colour::Error, "failed")))?;
                    // Several devices report the same mistake in the source.
                    if !said.contains(&error.message) {
                        let own = error.message.starts_with("error:");
                        style.error(&if own { error.message.clone() } else { format!("{line}{}", error.message) });
                        said.push(error.message);
                    }
                }
            }
        }
    }
    if failed { Err(Error::reported(Exit::Kernel)) } else { Ok(()) }
}
