//! Compiles a naga module, of any front end, to a kernel: checked SPIR-V with its interface. The compiler sometimes writes invalid SPIR-V
//! for a valid module. The passes repair this SPIR-V.

use std::sync::{Arc, LazyLock};

use naga::back::PipelineConstants;
use naga::back::pipeline_constants::{PipelineConstantError, process_overrides};
use naga::back::spv;
use naga::compact::{KeepUnused, compact};
use naga::proc::BoundsCheckPolicy;
use naga::valid::{Capabilities, ModuleInfo, ValidationError, ValidationFlags, Validator};
use naga::{FastHashSet, ScalarKind, ShaderStage, TypeInner, WithSpan};
use rspirv::spirv::Capability;

use super::{message_rewrite, unsupported_builtins};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::target::Target;
use crate::compile::debug::instrument::instrument;
use crate::compile::debug::report::ReportPlan;
use crate::compile::kernel::{CompiledKernel, Request};
use crate::compile::passes::{barrier_semantics, constant_vectors, cooperative_matrices, range, strip_layouts};
use crate::compile::spirv::constant_values::{self, ConstantSetting, ScalarType, SettableConstant};
use crate::compile::spirv::index::Index;
use crate::compile::spirv::{entry, reflect, requirements};
use crate::compile::text::diagnose::{Source, SpanLabel};

/// The highest number of a capability that the grammar knows.
const MAX_CAPABILITY: u32 = 6528;

/// Compiles an entry point of a module that another front end of the compiler created from `source`.
pub(crate) fn from_module(source: Source<'_>, module: &naga::Module, request: &Request<'_>, target: &Target) -> Result<CompiledKernel> {
    let info = validator().validate(module).map_err(|error| validation_error(source, &error))?;
    unsupported_builtins::check(source, module, &info)?;
    from_valid(source, (module, &info), request, target, None)
}

/// Compiles an entry point of a valid module, with values for its overrides.
pub(super) fn from_valid(
    source: Source<'_>,
    (module, info): (&naga::Module, &ModuleInfo),
    request: &Request<'_>,
    target: &Target,
    debug_input: Option<&DebugInput>,
) -> Result<CompiledKernel> {
    let names: Vec<&str> = entry_points(module).collect();
    let entry = (*names.get(entry::choose(&names, request.entry)?).unwrap_or(&"")).to_owned();
    let values = values(module, request.constants)?;
    let point = Some((ShaderStage::Compute, entry.as_str()));
    let (constant, constant_info) =
        process_overrides(module, info, point, &values).map_err(|error| constant_error(source, module, &error))?;
    let options = CodegenOptions { entry: &entry, unchecked: request.unchecked, target };
    match finish(source, &constant, &constant_info, options, debug_input) {
        // The unsupported feature may be in functions that the entry point does not call. The second attempt compiles without these
        // functions.
        Err(error) if error.kind == ErrorKind::Unsupported && !constant.functions.is_empty() => {
            let mut module = constant.into_owned();
            compact(&mut module, KeepUnused::No);
            let info = validator().validate(&module).map_err(|error| validation_error(source, &error))?;
            finish(source, &module, &info, options, debug_input)
        }
        outcome => outcome,
    }
}

/// The names of a module's compute entry points.
pub(super) fn entry_points(module: &naga::Module) -> impl Iterator<Item = &str> {
    module.entry_points.iter().filter(|point| is_compute(point)).map(|point| point.name.as_str())
}

/// The options for the compilation of an entry point.
#[derive(Clone, Copy)]
struct CodegenOptions<'a> {
    entry: &'a str,
    unchecked: bool,
    target: &'a Target,
}

/// The validator, with all capabilities enabled. Features that the device lacks are found later in the SPIR-V, so that the error can name
/// them.
pub(super) fn validator() -> Validator {
    Validator::new(ValidationFlags::all(), Capabilities::all())
}

/// The input for a kernel that reports: the plan from the text, and the text that was compiled.
pub(super) struct DebugInput {
    pub(super) plan: ReportPlan,
    pub(super) text: String,
}

/// The longest text, in bytes, for which reports have line numbers. For each line the compiler counts from the start of the text.
const MAX_LINES: usize = 64 << 10;

/// Compiles a module with all overrides resolved.
fn finish(
    source: Source<'_>,
    module: &naga::Module,
    info: &ModuleInfo,
    options: CodegenOptions<'_>,
    debug_input: Option<&DebugInput>,
) -> Result<CompiledKernel> {
    let CodegenOptions { entry, target, .. } = options;
    let lines = debug_input.map(|debug_input| debug_input.text.as_str()).filter(|text| text.len() <= MAX_LINES);
    let spirv = write(source, module, info, options, lines)?;
    let spirv = cooperative_matrices::repair(&spirv)?.unwrap_or(spirv);
    let spirv = constant_vectors::repair(&spirv)?.unwrap_or(spirv);
    let index = Index::of(&spirv)?;
    let stripped = strip_layouts::repair(&index)?;
    let index = stripped.as_deref().map_or(Ok(index), Index::of)?;
    let ordered = barrier_semantics::repair(&index);
    let index = ordered.as_deref().map_or(Ok(index), Index::of)?;
    // Reflection comes before the check of capabilities, because its error for a texture names the texture.
    let interface = reflect::interface(&index, Some(entry))?;
    let relaxed = range::relax(&index, interface.workgroup_size);
    requirements::capabilities(&index.module, target)?;
    requirements::universal(&index)?;
    requirements::variables(&index)?;
    requirements::uniform_matrices(&index)?;
    requirements::limits(&interface, target)?;
    let spirv = relaxed.or(ordered).or(stripped).unwrap_or(spirv);
    let specialized = Vec::new();
    let Some(DebugInput { plan, text }) = debug_input else { return Ok(CompiledKernel { spirv, interface, specialized, debug: None }) };
    let places = |line, column| source_position(source, text, line, column);
    let mut plan = plan.clone();
    plan.unchecked = options.unchecked;
    let (spirv, debug) = instrument(&spirv, &interface, Some(plan), target, &places)?;
    Ok(CompiledKernel { spirv, interface, specialized, debug: debug.map(Arc::new) })
}

/// The position in the user's text of a line and a column (in bytes) of the compiled text. `None` for code without a position.
fn source_position(source: Source<'_>, text: &str, line: u32, column: u32) -> Option<(usize, usize)> {
    let before: usize = text.split_inclusive('\n').take((line as usize).saturating_sub(1)).map(str::len).sum();
    let at = before + (column as usize).saturating_sub(1);
    (at > 0).then(|| source.origin_of(at))
}

/// Whether an entry point is a compute kernel.
fn is_compute(point: &naga::EntryPoint) -> bool {
    point.stage == ShaderStage::Compute
}

/// Capabilities that the compiler uses if they are allowed, and can do without: for packed bytes and for dot products of packed bytes.
const DISPENSABLE: [Capability; 3] = [Capability::Int8, Capability::DotProduct, Capability::DotProductInput4x8BitPacked];

/// The capabilities that the compiler may use: `None` for all of them, or all except the dispensable ones that the device lacks. Any other
/// missing capability is found later, so that the error can name it.
fn permitted(target: &Target) -> Option<FastHashSet<Capability>> {
    let missing: Vec<Capability> = DISPENSABLE.into_iter().filter(|own| !target.capabilities.contains(own)).collect();
    if missing.is_empty() {
        return None;
    }
    static ALL: LazyLock<Vec<Capability>> = LazyLock::new(|| (0..=MAX_CAPABILITY).filter_map(Capability::from_u32).collect());
    Some(ALL.iter().copied().filter(|own| !missing.contains(own)).collect())
}

/// Writes the SPIR-V of one entry point. `lines` is the text for line information.
fn write(
    source: Source<'_>,
    module: &naga::Module,
    info: &ModuleInfo,
    options: CodegenOptions<'_>,
    lines: Option<&str>,
) -> Result<Vec<u32>> {
    let CodegenOptions { entry, unchecked, target } = options;
    let checked = |policy| if unchecked { BoundsCheckPolicy::Unchecked } else { policy };
    let options = spv::Options {
        lang_version: target.spirv_version,
        // Reflection needs the names. The flags for graphics are not needed.
        flags: spv::WriterFlags::DEBUG,
        // The bindings of the text are used unchanged.
        fake_missing_bindings: true,
        capabilities: permitted(target),
        bounds_check_policies: naga::proc::BoundsCheckPolicies {
            index: checked(BoundsCheckPolicy::Restrict),
            buffer: checked(BoundsCheckPolicy::Restrict),
            image_load: checked(BoundsCheckPolicy::ReadZeroSkipWrite),
            binding_array: checked(BoundsCheckPolicy::Restrict),
        },
        zero_initialize_workgroup_memory: if target.native_zero_init {
            spv::ZeroInitializeWorkgroupMemoryMode::Native
        } else {
            spv::ZeroInitializeWorkgroupMemoryMode::Polyfill
        },
        // Loop bounding protects from infinite loops, but it made loops at least three times slower.
        force_loop_bounding: false,
        // Some vendors lack the capability, and a compute kernel has no such inputs.
        use_storage_input_output_16: false,
        debug_info: lines.map(|source_code| spv::DebugInfo { source_code, file_name: "", language: spv::SourceLanguage::WGSL }),
        ..spv::Options::default()
    };
    let pipeline = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: entry.to_owned() };
    spv::write_vec(module, info, &options, Some(&pipeline)).map_err(|error| {
        let kind = match error {
            spv::Error::FeatureNotImplemented(_) | spv::Error::SpirvVersionTooLow(..) | spv::Error::MissingCapabilities(..) => {
                ErrorKind::Unsupported
            }
            _ => ErrorKind::Compile,
        };
        source.error(kind, &format!("{error}, while writing SPIR-V for {entry}"), &[], &[])
    })
}

/// The values of overrides, as the compiler takes them: keyed by the id if the override has one, else by the name.
fn values(module: &naga::Module, settings: &[ConstantSetting<'_>]) -> Result<PipelineConstants> {
    let overrides: Vec<&naga::Override> = module.overrides.iter().map(|(_, one)| one).collect();
    let all: Vec<SettableConstant> =
        overrides.iter().map(|one| SettableConstant { name: one.name.clone(), id: one.id.map(u32::from) }).collect();
    let mut values = PipelineConstants::default();
    for (setting, place) in settings.iter().zip(constant_values::places(settings, &all)?) {
        let one = overrides[place];
        let mut ty = ScalarType::Float(64);
        if let TypeInner::Scalar(scalar) = module.types[one.ty].inner {
            let bits = u32::from(scalar.width) * 8;
            ty = match scalar.kind {
                ScalarKind::Bool => ScalarType::Bool,
                ScalarKind::Sint => ScalarType::Int(bits, true),
                ScalarKind::Uint => ScalarType::Int(bits, false),
                _ => ScalarType::Float(bits),
            };
        }
        // The compiler takes doubles, and WGSL has no overrides of 64-bit integers.
        values.insert(override_key(one), ty.number_of(setting.constant, setting.value)?);
    }
    Ok(values)
}

/// The compiler's key for an override.
fn override_key(one: &naga::Override) -> String {
    one.id.map(|id| id.to_string()).or_else(|| one.name.clone()).unwrap_or_default()
}

/// Converts an error of the validator. The labels do not show the compiler's internal names. The chain of causes becomes notes.
pub(super) fn validation_error(source: Source<'_>, error: &WithSpan<ValidationError>) -> Error {
    let labels = error.spans().filter_map(|(span, text)| {
        let text = if text.contains("naga::") { String::new() } else { text.clone() };
        Some(SpanLabel { range: span.to_range()?, text })
    });
    let mut labels: Vec<SpanLabel> = labels.collect();
    // The label with the shortest range is the most specific one, so it comes first.
    labels.sort_by_key(|label| label.range.len());
    let mut notes = Vec::new();
    let mut cause = std::error::Error::source(error.as_inner());
    while let Some(inner) = cause {
        notes.push(message_rewrite::rewrite(&inner.to_string()));
        cause = inner.source();
    }
    // The last cause says what is wrong. The earlier ones say where.
    notes.insert(0, message_rewrite::rewrite(&error.as_inner().to_string()));
    let message = notes.pop().unwrap_or_default();
    notes.retain(|note| !message_rewrite::is_redundant(note));
    source.error(ErrorKind::Compile, &message, &labels, &notes)
}

/// Converts an error about override constants.
fn constant_error(source: Source<'_>, module: &naga::Module, error: &PipelineConstantError) -> Error {
    use PipelineConstantError::{MissingValue, NegativeWorkgroupSize, ValidationError};
    match error {
        ValidationError(error) => validation_error(source, error),
        MissingValue(missing) => {
            let found = module.overrides.iter().find(|(_, one)| override_key(one) == *missing);
            let name = found.and_then(|(_, one)| one.name.clone()).unwrap_or_else(|| missing.clone());
            let message = format!("the override {name} has neither a value nor a default: give it one of the two");
            let range = found.and_then(|(handle, _)| module.overrides.get_span(handle).to_range()).unwrap_or(0..0);
            source.error(ErrorKind::Compile, &message, &[SpanLabel { range, text: "no default value".into() }], &[])
        }
        NegativeWorkgroupSize => {
            source.error(ErrorKind::Compile, "the constants make a dimension of the workgroup size 0 or less", &[], &[])
        }
        _ => source.error(ErrorKind::Compile, &error.to_string(), &[], &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_capabilities_are_found() {
        assert!(Capability::from_u32(MAX_CAPABILITY).is_some());
        assert!((MAX_CAPABILITY + 1..=0xffff).all(|number| Capability::from_u32(number).is_none()));
    }
}
