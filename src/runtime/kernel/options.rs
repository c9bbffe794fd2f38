//! The options of a kernel.

use super::subgroups::Subgroups;

pub(crate) use crate::compile::{ConstantKey, ConstantSetting, ConstantValue};

/// The language of the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    Wgsl,
    Spirv,
    Glsl,
}

/// Options of a new kernel, as the caller gave them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options<'a> {
    pub(crate) language: Language,
    pub(crate) code: &'a [u8],
    pub(crate) entry_point: Option<&'a str>,
    pub(crate) label: Option<&'a str>,
    /// The kernel reports: see AVX_KERNEL_DEBUG.
    pub(crate) debug: bool,
    /// Values for overrides or specialization constants.
    pub(crate) constants: Vec<ConstantSetting<'a>>,
    /// The code gets no bounds checks.
    pub(crate) unchecked: bool,
    /// What the kernel asks of its subgroups.
    pub(crate) subgroups: Subgroups,
    /// For GLSL: folders for includes.
    pub(crate) include_dirs: Vec<&'a str>,
    /// For GLSL: macros.
    pub(crate) defines: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// The name of the kernel in messages of the compiler.
    pub(crate) fn message_label(&self) -> &'a str {
        self.label.or(self.entry_point).unwrap_or("kernel")
    }
}

/// What keeps accesses inside the ranges that are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounds {
    None = 0,
    Checked = 1,
    Hardware = 2,
}
