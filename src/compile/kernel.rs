//! A request to compile a kernel, and the compiled kernel.

use std::sync::Arc;

use super::base::interface::Interface;
use super::debug::report::DebugInfo;
use super::spirv::constant_values::{ConstantSetting, SpecializedConstant};

/// What the caller asks for when a kernel is compiled.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    /// The entry point's name. `None` selects the only entry point.
    pub(crate) entry: Option<&'a str>,
    /// Values for overrides or specialization constants.
    pub(crate) constants: &'a [ConstantSetting<'a>],
    /// The kernel gets no bounds checks.
    pub(crate) unchecked: bool,
    /// The kernel reports (printf, assertions, accesses out of bounds). WGSL must have been parsed for this.
    pub(crate) debug: bool,
}

/// A compiled kernel, ready for a driver.
#[derive(Clone, Debug)]
pub(crate) struct CompiledKernel {
    /// The SPIR-V module.
    pub(crate) spirv: Vec<u32>,
    /// The interface of the selected entry point.
    pub(crate) interface: Interface,
    /// What the kernel reports, if it reports. Such a kernel has one more buffer, which the interface does not list.
    pub(crate) debug: Option<Arc<DebugInfo>>,
    /// The values of the module's specialization constants.
    pub(crate) specialized: Vec<SpecializedConstant>,
}
