//! Compiles kernel text or SPIR-V to checked SPIR-V and its interface. This layer knows no GPU and no Vulkan, and has no unsafe code.
//!
//! The table lists the floors from the bottom up. A file imports from its own floor and from those below.
//!
//! | folder or file | what it is about |
//! |---|---|
//! | [`base`] | errors, a device's limits, a kernel's interface, cache files |
//! | [`text`] | kernel text: tokens, comments, limits on its shape, messages that show a place in it |
//! | [`spirv`](mod@spirv) | SPIR-V: reading, validating and reflecting a module, values for its constants, what it needs of a device |
//! | [`debug`] | kernels that report: printf, assertions, accesses out of bounds |
//! | [`kernel`] | a request to compile a kernel, and the compiled kernel |
//! | [`passes`] | changes of SPIR-V: repairs of what the compiler writes, cheaper bounds checks, variants of a kernel |
//! | [`wgsl`] | WGSL to a kernel, and the way from the compiler's module to a kernel |
//! | [`glsl`] | GLSL to flat text, and to a kernel without the system's compiler |
//! | [`from_spirv`] | SPIR-V that the caller brings to a kernel |

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

pub(crate) use base::disk;
pub(crate) use base::error::{Error, ErrorKind, Result, panic_error};
pub(crate) use base::interface::{Binding, BindingKind, Interface, MAX_ARRAYS, Member, Scalar};
pub(crate) use base::target::Target;
pub(crate) use from_spirv::spirv;
pub(crate) use kernel::{CompiledKernel, Request};
pub(crate) use passes::variant::{Variant, variant};
pub(crate) use spirv::constant_values::{ConstantKey, ConstantSetting, ConstantValue};
pub(crate) use spirv::{entry, feature};
pub(crate) use wgsl::parse::{Parsed, WGSL_STACK};
