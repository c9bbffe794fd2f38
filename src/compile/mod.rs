//! Compiles kernel text or SPIR-V to checked SPIR-V and its interface. This layer knows no GPU and no Vulkan, and has no unsafe code.
//!
//! The table lists the floors from the bottom up. A file imports from its own floor and from those below.
//!
//! | folder or file | what it is about |
//! |---|---|
//! | [`base`] | errors, the limits of a device, the interface of a kernel |
//! | [`text`] | kernel text in any language: tokens, comments, limits on its shape, error messages that show a position |
//! | [`spirv`](mod@spirv) | SPIR-V modules: decoding, validation, reflection, values for constants, device requirements |
//! | [`debug`] | kernels that report: printf, assertions, accesses out of bounds |
//! | [`kernel`] | the request to compile a kernel, and the compiled kernel |
//! | [`passes`] | passes over SPIR-V: repairs of compiler output, removal of bounds checks, variants of a kernel |
//! | [`wgsl`] | WGSL to kernels, and the back end for naga modules of any front end |
//! | [`glsl`] | the GLSL preprocessor, and GLSL to kernels without libshaderc |
//! | [`from_spirv`] | the caller's SPIR-V to kernels |

mod base;
pub(crate) mod debug;
mod from_spirv;
pub(crate) mod glsl;
mod kernel;
mod passes;
mod spirv;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod wgsl;

pub(crate) use base::error::{Error, ErrorKind, Result, panic_error};
pub(crate) use base::interface::{Binding, BindingKind, Interface, MAX_ARRAYS, Member, Scalar};
pub(crate) use base::target::Target;
pub(crate) use from_spirv::spirv;
pub(crate) use kernel::{CompiledKernel, Request};
pub(crate) use passes::variant::{Variant, variant};
pub(crate) use spirv::constant_values::{ConstantKey, ConstantSetting, ConstantValue};
pub(crate) use spirv::{entry, feature};
pub(crate) use wgsl::parse::{Parsed, WGSL_STACK};
