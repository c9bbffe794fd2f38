//! From a kernel's text to compiled code.

use super::compiler_threads::CompilerThreads;
use super::context::CompileContext;
use super::glsl::{self, GlslSource};
use super::options::{Bounds, ConstantKey, ConstantSetting, ConstantValue, Language, Options};
use super::other_devices;
use super::parse_cache;
use super::program::Compiled;
use super::spirv_cache::{self, SpirvCache};
use crate::compile;
use crate::runtime::base::error::Result;
use crate::runtime::base::{log, trace};
use xxhash_rust::xxh3::xxh3_128;

/// A hash of everything that compiled code depends on, except for the device. The label is not part of it, so kernels that differ in the
/// label alone share their pipelines.
pub(crate) fn key(options: &Options<'_>, source: Option<&GlslSource>) -> u128 {
    let mut bytes = Vec::with_capacity(options.code.len() + 64);
    bytes.push(options.language as u8);
    bytes.push(options.debug.into());
    match options.entry_point {
        Some(entry) => {
            bytes.push(1);
            bytes.extend((entry.len() as u64).to_le_bytes());
            bytes.extend(entry.as_bytes());
        }
        None => bytes.push(0),
    }
    for setting in &options.constants {
        match setting.constant {
            ConstantKey::Name(name) => {
                bytes.push(2);
                bytes.extend((name.len() as u64).to_le_bytes());
                bytes.extend(name.as_bytes());
            }
            ConstantKey::Id(id) => {
                bytes.push(3);
                bytes.extend(id.to_le_bytes());
            }
        }
        let (kind, bits) = match setting.value {
            ConstantValue::Number(number) => (0, number.to_bits()),
            ConstantValue::Bits(bits) => (1, bits),
        };
        bytes.push(kind);
        bytes.extend(bits.to_le_bytes());
    }
    bytes.extend([4, options.unchecked.into(), options.subgroups.full.into()]);
    bytes.extend(options.subgroups.size.to_le_bytes());
    match source.map(GlslSource::content) {
        Some((text, checked)) => {
            bytes.push(checked.into());
            bytes.extend(text);
        }
        None => bytes.extend(options.code),
    }
    xxh3_128(&bytes)
}

/// Where compiled code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was compiled now.
    Compiler,
    /// An earlier process compiled it, and it was read from disk.
    Disk,
}

/// Compiles a kernel, or takes what an earlier process compiled. `key` is the hash of everything that the code depends on.
pub(crate) fn compile(
    context: &CompileContext,
    options: &Options<'_>,
    source: Option<&GlslSource>,
    key: u128,
) -> Result<(Compiled, Origin)> {
    let _span = trace::span("compile");
    let (code, origin) = match restore(context, options, source, key) {
        Some(code) => (code, Origin::Disk),
        None => {
            let code = translate(options, source, &context.target, &context.compilers)?
                .map_err(|e| other_devices::with_alternatives(e, context))?;
            if let Some(spirv_cache) = spirv_cache(context, options, source) {
                spirv_cache.put(key, &compiler_name(source), &code.spirv);
            }
            (code, Origin::Compiler)
        }
    };
    let checked = source.map_or(options.language == Language::Wgsl, GlslSource::is_checked);
    let bounds = match checked && !options.unchecked {
        true => Bounds::Checked,
        false if context.vulkan.features().robust_buffer_access_2 => Bounds::Hardware,
        false => Bounds::None,
    };
    let interface = &code.interface;
    options.subgroups.check(&context.vulkan, interface)?;
    context.log.line(log::Level::Debug, format!("compiled '{}' ({} words of SPIR-V)", interface.entry, code.spirv.len()));
    Ok((Compiled::new(options, code, bounds, context.limits), origin))
}

/// Removes what an earlier process compiled and the driver refuses. Returns whether it was there.
pub(crate) fn forget(context: &CompileContext, options: &Options<'_>, source: Option<&GlslSource>, key: u128) -> bool {
    spirv_cache(context, options, source).is_some_and(|cache| cache.forget(key, &compiler_name(source)))
}

/// The cache for SPIR-V that is compiled from this. A user's own SPIR-V needs no cache. For a kernel that reports, the SPIR-V is not all
/// that is needed.
fn spirv_cache<'a>(context: &'a CompileContext, options: &Options<'_>, source: Option<&GlslSource>) -> Option<&'a SpirvCache> {
    let is_slow = source.is_some_and(|source| !source.is_checked()) || options.code.len() >= spirv_cache::LONG;
    context.spirv_cache.as_ref().filter(|_| is_slow && options.language != Language::Spirv && !options.debug)
}

/// The compiler that makes the SPIR-V.
fn compiler_name(source: Option<&GlslSource>) -> String {
    source.map_or_else(|| "naga".to_owned(), GlslSource::compiler)
}

/// The code that an earlier process compiled from the same.
fn restore(context: &CompileContext, options: &Options<'_>, source: Option<&GlslSource>, key: u128) -> Option<compile::CompiledKernel> {
    let spirv = spirv_cache(context, options, source)?.take(key, &compiler_name(source))?;
    // naga's SPIR-V has the values of constants in it, and one entry point.
    let constants: &[ConstantSetting<'_>] = if source.is_none_or(GlslSource::is_checked) { &[] } else { &options.constants };
    let request = compile::Request { entry: None, constants, unchecked: options.unchecked, debug: false };
    let kernel = context.compilers.run(|| compile::spirv(&spirv, &request, &context.target)).ok()?.ok()?;
    context.log.line(log::Level::Debug, format!("'{}' was compiled by an earlier process", kernel.interface.entry));
    Some(kernel)
}

/// Runs the preprocessor of this library over a text whose language has one.
pub(crate) fn prepare(options: &Options<'_>, target: &compile::Target) -> Result<Option<GlslSource>> {
    match options.language {
        Language::Glsl => glsl::prepare(options, options.message_label(), target).map(Some),
        Language::Wgsl | Language::Spirv => Ok(None),
    }
}

/// Compiles the code to SPIR-V with its interface, for the device that `target` describes. `source` is the text of a language that goes
/// through the preprocessor.
pub(crate) fn translate(
    options: &Options<'_>,
    source: Option<&GlslSource>,
    target: &compile::Target,
    compilers: &CompilerThreads,
) -> Result<compile::Result<compile::CompiledKernel>> {
    let label = options.message_label();
    let request =
        compile::Request { entry: options.entry_point, constants: &options.constants, unchecked: options.unchecked, debug: options.debug };
    compilers.run(|| match (source, options.language) {
        (Some(source), _) => source.compile(&request, target),
        (None, Language::Spirv) => compile::spirv(options.code, &request, target),
        (None, _) => parse_cache::parse(options.code, label, options.debug)?.kernel(label, &request, target),
    })
}
