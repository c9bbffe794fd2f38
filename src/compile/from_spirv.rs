//! SPIR-V modules that the caller brings.

use std::sync::Arc;

use super::base::error::Result;
use super::base::target::Target;
use super::debug::instrument::instrument;
use super::kernel::{CompiledKernel, Request};
use super::spirv::index::Index;
use super::spirv::module::{self, Module};
use super::spirv::{reflect, requirements, validate};

/// Accepts a SPIR-V module unchanged, after validating its structure and checking what it needs against the device.
pub(crate) fn spirv(code: &[u8], request: &Request<'_>, target: &Target) -> Result<CompiledKernel> {
    let spirv = module::from_bytes(code)?;
    let module = Module::split(&spirv)?;
    requirements::capabilities(&module, target)?;
    validate::check(&module, target)?;
    let (index, specialized) = Index::specialized(module, request.constants)?;
    validate::check_calls(&index)?;
    let interface = reflect::interface(&index, request.entry)?;
    requirements::universal(&index)?;
    requirements::variables(&index)?;
    requirements::limits(&interface, target)?;
    let kernel = CompiledKernel { spirv, interface, specialized, debug: None };
    if request.debug { reporting(kernel, target) } else { Ok(kernel) }
}

/// Turns a kernel into one that reports what its printf instructions print. All other entry points are removed from the module.
fn reporting(kernel: CompiledKernel, target: &Target) -> Result<CompiledKernel> {
    let places = |line: u32, column: u32| Some((line as usize, column as usize));
    let (spirv, debug) = instrument(&kernel.spirv, &kernel.interface, None, target, &places)?;
    // The module may still refer to what was removed, for example in decorations. Such a module is invalid and is rejected here.
    validate::check(&Module::split(&spirv)?, target)?;
    Ok(CompiledKernel { spirv, debug: debug.map(Arc::new), ..kernel })
}
