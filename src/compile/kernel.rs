//! A request to compile a kernel, and the compiled kernel.

use std::sync::Arc;

use super::base::interface::Interface;
use super::debug::report::DebugInfo;
use super::spirv::constant_values::{Setting, Specialized};

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
pub(crate) struct CompiledKernel {
    /// The module.
    pub(crate) spirv: Vec<u32>,
    /// The interface of the entry point that was chosen.
    pub(crate) interface: Interface,
    /// What it reports, if it does: then it has a buffer that the interface does not show.
    pub(crate) debug: Option<Arc<DebugInfo>>,
    /// Values for its specialization constants.
    pub(crate) specialized: Vec<Specialized>,
}
