//! From kernel text or SPIR-V to checked SPIR-V and its interface. No GPU, no Vulkan, no unsafe code.
//!
//! | file | what it is about |
//! |---|---|
//! | [`error`] | why a kernel was refused |
//! | [`wgsl`](mod@wgsl) | WGSL to SPIR-V, with [`directive`], [`prescan`], [`weight`], [`length`] and [`token`] before the compiler, [`diagnose`], [`speech`] and [`spelling`] for its messages, [`math`] and [`uniform`] beside it, [`cooperative`], [`composite`], [`strip`], [`barrier`] and [`range`] after it |
//! | [`glsl`](mod@glsl) | GLSL to flat text, and to SPIR-V without the system's compiler |
//! | [`structure`] | what raw SPIR-V must be like before a driver sees it |
//! | [`setting`] | values for overrides and specialization constants |
//! | [`words`], [`ids`], [`index`], [`constant`], [`layout`], [`access`], [`entry`], [`reflect`] | SPIR-V to the interface |
//! | [`feature`], [`check`], [`inline`] | what the kernel needs against what the device has |
//! | [`variant`](mod@variant), [`split`] | kernels for overlapping arguments and for grids over the device's limit |
//! | [`debug`] | kernels that report: printf, assertions, accesses out of bounds |
//! | [`disk`] | the format of the files that keep compiled pipelines |

mod access;
mod barrier;
mod check;
mod composite;
mod constant;
mod cooperative;
pub(crate) mod debug;
mod diagnose;
mod directive;
pub(crate) mod disk;
pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod feature;
pub(crate) mod glsl;
mod ids;
mod index;
mod inline;
mod layout;
mod length;
mod math;
mod prescan;
mod range;
mod reflect;
mod setting;
mod speech;
mod spelling;
mod split;
mod strip;
mod structure;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod token;
mod uniform;
mod variant;
mod weight;
mod wgsl;
mod words;

use std::fmt;
use std::sync::Arc;

use error::Kind;
pub(crate) use error::{Error, Kind as ErrorKind, Result};
use rspirv::spirv::Capability;

pub(crate) use setting::{Setting, Specialized, Which};
pub(crate) use variant::{Variant, variant};
pub(crate) use wgsl::{Parsed, WGSL_STACK};

/// What a device can take.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The newest SPIR-V that it takes: 1.3 with Vulkan 1.1, 1.5 with 1.2, 1.6 with 1.3 and later.
    pub(crate) spirv_version: (u8, u8),
    /// Every SPIR-V capability that it accepts.
    pub(crate) capabilities: Vec<Capability>,
    /// It zeroes workgroup memory itself (`shaderZeroInitializeWorkgroupMemory`).
    pub(crate) native_zero_init: bool,
    /// The most invocations in a workgroup, by dimension.
    pub(crate) max_workgroup_size: [u32; 3],
    /// The most invocations in a workgroup.
    pub(crate) max_workgroup_invocations: u32,
    /// Bytes of workgroup memory.
    pub(crate) max_shared_memory: u32,
    /// Bytes of push constants.
    pub(crate) max_push_constants: u32,
    /// Groups (descriptor sets) of a kernel.
    pub(crate) max_groups: u32,
    /// Storage buffers of a kernel.
    pub(crate) max_storage_buffers: u32,
    /// Uniform buffers of a kernel.
    pub(crate) max_uniform_buffers: u32,
}

/// Kinds of argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindingKind {
    /// A storage buffer.
    Storage,
    /// A uniform buffer.
    Uniform,
    /// The push-constant block.
    PushConstants,
}

impl fmt::Display for BindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BindingKind::Storage => "storage buffer",
            BindingKind::Uniform => "uniform buffer",
            BindingKind::PushConstants => "push-constant block",
        })
    }
}

/// An argument of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The group (descriptor set); 0 for push constants.
    pub(crate) group: u32,
    /// The binding; 0 for push constants.
    pub(crate) binding: u32,
    /// What it is.
    pub(crate) kind: BindingKind,
    /// The variable's name, for messages.
    pub(crate) name: String,
    /// The kernel may read it.
    pub(crate) read: bool,
    /// The kernel may write it.
    pub(crate) write: bool,
    /// The kernel accesses it by atomic operations only.
    pub(crate) atomic_only: bool,
    /// The fewest bytes that must be bound: up to the end of the last member, with one element of a runtime array at the end.
    pub(crate) min_size: u64,
    /// The most bytes that a C struct with the same members may have: trailing padding included.
    pub(crate) padded_size: u64,
    /// Bytes from element to element of the runtime array at the end; 0 if there is none.
    pub(crate) stride: u64,
    /// The module says itself that it may overlap other bindings.
    pub(crate) aliased: bool,
}

/// What a kernel takes and needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    /// The entry point's name.
    pub(crate) entry: String,
    /// Invocations in a workgroup.
    pub(crate) workgroup_size: [u32; 3],
    /// The arguments that the entry point uses, by group, then binding; the push-constant block comes last.
    pub(crate) args: Vec<Binding>,
    /// Bytes of workgroup memory.
    pub(crate) shared_memory: u32,
    /// It reads the number of workgroups, so its grid cannot be split.
    pub(crate) reads_num_workgroups: bool,
    /// It reads the global invocation id.
    pub(crate) reads_global_id: bool,
    /// The SPIR-V capabilities that the module declares.
    pub(crate) capabilities: Vec<Capability>,
    /// It may follow raw addresses of buffers.
    pub(crate) has_raw_addresses: bool,
}

/// What the caller asks of a kernel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    /// The entry point's name; `None`: the only one.
    pub(crate) entry: Option<&'a str>,
    /// Values for constants.
    pub(crate) constants: &'a [Setting<'a>],
    /// No bounds checks in the code.
    pub(crate) unchecked: bool,
    /// It reports; WGSL was parsed for that.
    pub(crate) debug: bool,
}

/// A kernel that a driver can be given.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// The module.
    pub(crate) spirv: Vec<u32>,
    /// The interface of the entry point that was chosen.
    pub(crate) interface: Interface,
    /// What it reports, if it does: then it has a buffer that the interface does not show.
    pub(crate) debug: Option<Arc<debug::Debug>>,
    /// Values for its specialization constants.
    pub(crate) specialized: Vec<Specialized>,
}

/// Takes a SPIR-V module as it is, after checking its structure and what it needs against the device.
pub(crate) fn spirv(code: &[u8], request: &Request<'_>, target: &Target) -> Result<Kernel> {
    let spirv = words::from_bytes(code)?;
    let module = words::Words::split(&spirv)?;
    check::capabilities(&module, target)?;
    structure::check(&module, target)?;
    let (index, specialized) = index::Index::specialized(module, request.constants)?;
    structure::check_calls(&index)?;
    let interface = reflect::interface(&index, request.entry)?;
    check::universal(&index)?;
    check::variables(&index)?;
    check::limits(&interface, target)?;
    let kernel = Kernel { spirv, interface, specialized, debug: None };
    if request.debug { reporting(kernel, target) } else { Ok(kernel) }
}

/// A kernel made to report what its printf instructions print. No other entry point of the module is left.
fn reporting(kernel: Kernel, target: &Target) -> Result<Kernel> {
    let places = |line: u32, column: u32| Some((line as usize, column as usize));
    let (spirv, debug) = debug::instrument(&kernel.spirv, &kernel.interface, None, target, &places)?;
    // A module may name what was taken out in ways that nobody needs.
    structure::check(&words::Words::split(&spirv)?, target)?;
    Ok(Kernel { spirv, debug: debug.map(Arc::new), ..kernel })
}

/// What to say of a panic that was caught around [`Parsed`] or [`spirv`]: the compiler's, not the user's fault.
pub(crate) fn panic_error(message: &str) -> Error {
    let first = message.lines().next().unwrap_or("").trim();
    let shown: String = first.chars().take(300).collect();
    Error::new(
        Kind::Compile,
        format!(
            "the kernel compiler failed inside on this kernel ({}); the kernel may be right. Known causes: passing a pointer to an \
             element of an array as an argument, and cooperative operations whose operands are not named by `let` first",
            if shown.is_empty() { "no message" } else { &shown }
        ),
    )
}
