//! Options of a kernel, and what they are made of.

use super::subgroups::Subgroups;

pub(crate) use crate::compile::{ConstantKey, ConstantSetting, ConstantValue};

/// What the code is written in.
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
    /// It reports: see AVX_KERNEL_DEBUG.
    pub(crate) debug: bool,
    /// Values for overrides or specialization constants.
    pub(crate) constants: Vec<ConstantSetting<'a>>,
    /// No bounds checks in the code.
    pub(crate) unchecked: bool,
    /// What subgroups must be like.
    pub(crate) subgroups: Subgroups,
    /// Of GLSL: folders for includes.
    pub(crate) include_dirs: Vec<&'a str>,
    /// Of GLSL: macros.
    pub(crate) defines: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// What messages of the compiler call the kernel.
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
