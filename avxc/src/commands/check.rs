//! `avxc check`: whether kernels compile, on devices or for a version of Vulkan.

use super::{each_entry, vulkan};
use crate::abi::{self, Device};
use crate::cli::{Flag, Invocation};
use crate::failure::{Exit, Failure, Result, no_device};
use crate::paint::{Colour, Paint};
use crate::promise;
use crate::source::{self, Code};
use std::path::Path;

/// Who a kernel is compiled for.
enum Target {
    /// Vulkan 1.`minor`.
    Vulkan(u32),
    /// A device and what to call it.
    Device(Device, String),
}

impl Target {
    fn name(&self) -> String {
        match self {
            Target::Vulkan(minor) => format!("Vulkan 1.{minor}"),
            Target::Device(_, name) => name.clone(),
        }
    }

    /// Compiles; gives what the kernel needs that not every device has.
    fn compile(&self, code: &Code) -> std::result::Result<Vec<String>, abi::Refusal> {
        match self {
            Target::Vulkan(minor) => abi::compile_offline(code, *minor).map(|kernel| promise::beyond(&kernel, *minor)),
            Target::Device(device, _) => device.kernel(code).map(|_| Vec::new()),
        }
    }
}

pub(crate) fn run(invocation: &Invocation, paint: &Paint) -> Result<()> {
    let targets = targets(invocation, paint)?;
    let mut first: Option<Exit> = None;
    for path in &invocation.files {
        if let Err(failure) = file(path, invocation, &targets, paint) {
            if !failure.message.is_empty() {
                paint.complain(&failure.message);
            } else if failure.exit == Exit::Done {
                return Err(failure);
            }
            first = first.or(Some(failure.exit));
        }
    }
    first.map_or(Ok(()), |exit| Err(Failure::said(exit)))
}

/// Who to compile for: a version, the device that is named, or every device that can be used.
fn targets(invocation: &Invocation, paint: &Paint) -> Result<Vec<Target>> {
    if let Some(minor) = vulkan(invocation)? {
        if invocation.has(Flag::Device) {
            return Err(crate::failure::usage("--vulkan and --device exclude each other"));
        }
        return Ok(vec![Target::Vulkan(minor)]);
    }
    let open = |selector: &str| -> std::result::Result<Target, abi::Refusal> {
        let device = Device::open(Some(selector))?;
        let info = device.info()?;
        Ok(Target::Device(device, format!("{} {}", info.index, info.name())))
    };
    if let Some(selector) = invocation.one(Flag::Device) {
        return Ok(vec![open(selector).map_err(no_device)?]);
    }
    let devices = abi::devices().map_err(|refusal| {
        let mut failure = no_device(refusal);
        failure.message.push_str("\nWithout a driver, 'avxc check --vulkan 1.3' checks for a version of Vulkan.");
        failure
    })?;
    let mut targets = Vec::new();
    for info in &devices {
        let opened = if info.usable == 0 { Err(info.reason()) } else { open(&info.index.to_string()).map_err(|refusal| refusal.message) };
        match opened {
            Ok(target) => targets.push(target),
            Err(why) => paint.remark(&format!("{} {} is left out: {why}", info.index, info.name())),
        }
    }
    if targets.is_empty() {
        return Err(Failure::new(Exit::NoDevice, "none of this machine's devices can be used"));
    }
    Ok(targets)
}

/// Checks one file. What it says itself has no message.
fn file(path: &Path, invocation: &Invocation, targets: &[Target], paint: &Paint) -> Result<()> {
    let code = source::read(path, invocation)?;
    let mut failed = false;
    for code in each_entry(&code)? {
        let entry = code.entry.as_deref().map(|entry| format!("{entry}: ")).unwrap_or_default();
        let mut said: Vec<String> = Vec::new();
        for target in targets {
            let name = target.name();
            let line = format!("{}: {entry}{name}: ", code.label);
            match target.compile(&code) {
                Ok(needs) if needs.is_empty() => paint.print(&format!("{line}{}\n", paint.word(Colour::Good, "ok")))?,
                Ok(needs) => {
                    let word = paint.word(Colour::Good, "ok");
                    paint.print(&format!("{line}{word} on devices with\n    {}\n", needs.join("\n    ")))?;
                }
                Err(refusal) => {
                    failed = true;
                    paint.print(&format!("{line}{}\n", paint.word(Colour::Bad, "failed")))?;
                    // Several devices say the same of a mistake in the text.
                    if !said.contains(&refusal.message) {
                        let own = refusal.message.starts_with("error:");
                        paint.complain(&if own { refusal.message.clone() } else { format!("{line}{}", refusal.message) });
                        said.push(refusal.message);
                    }
                }
            }
        }
    }
    if failed { Err(Failure::said(Exit::Kernel)) } else { Ok(()) }
}
