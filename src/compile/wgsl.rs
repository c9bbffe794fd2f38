//! WGSL to SPIR-V: text in, checked SPIR-V with its interface out. The compiler proper is naga; around it stands what its users
//! ran into: inputs that overflow its stack or eat memory, panics, code that validates and comes out invalid.

use std::sync::LazyLock;

use naga::back::pipeline_constants::{PipelineConstantError, process_overrides};
use naga::back::spv;
use naga::compact::{KeepUnused, compact};
use naga::proc::BoundsCheckPolicy;
use naga::valid::{Capabilities, ModuleInfo, ValidationError, ValidationFlags, Validator};
use naga::{FastHashSet, ShaderStage, WithSpan};
use rspirv::spirv::Capability;

use super::diagnose::{Label, Source};
use super::error::{Error, Kind, Result};
use super::index::Index;
use super::words::Words;
use super::{Kernel, Target, barrier, check, composite, cooperative, directive, entry, math, prescan, reflect, strip, uniform};

/// Bytes of stack that [`wgsl`] needs. The compiler is recursive, and an overflow ends the process; [`prescan`] keeps inputs to a
/// quarter of it in an unoptimized build. The system provides the memory when it is touched, so an ordinary kernel costs little.
pub(crate) const WGSL_STACK: usize = 256 << 20;

/// The most bytes of text that are compiled.
const MAX_SOURCE: usize = 1 << 20;

/// No capability has a higher number: vendors' blocks of numbers end there.
const MAX_CAPABILITY: u32 = 0xFFFF;

/// Compiles the entry point `entry` (`None`: the only one) of the WGSL text `source`, which messages call `label`. Must run on a
/// thread with [`WGSL_STACK`] bytes of stack and under `catch_unwind`: see [`super::panic_error`].
pub(crate) fn wgsl(source: &[u8], label: &str, entry: Option<&str>, target: &Target) -> Result<Kernel> {
    if source.len() > MAX_SOURCE {
        let message = format!("the WGSL text has {} bytes, and at most {MAX_SOURCE} (1 MiB) are compiled", source.len());
        return Err(Error::new(Kind::Compile, message));
    }
    let text = str::from_utf8(source).map_err(|error| {
        let at = error.valid_up_to();
        let line = source.iter().take(at).filter(|&&byte| byte == b'\n').count() + 1;
        Error::new(Kind::Compile, format!("the WGSL text is not UTF-8: byte {at} (line {line}) is not part of a character"))
    })?;
    let source = Source { text, label: if label.is_empty() { "wgsl" } else { label } };
    let prepared = directive::prepare(text).map_err(|unclosed| source.error_at(unclosed.0, "this comment is not closed"))?;
    prescan::scan(source, &prepared)?;

    let module = naga::front::wgsl::parse_str(&prepared).map_err(|error| parse_error(source, &error))?;
    let names: Vec<&str> = module.entry_points.iter().filter(|point| is_compute(point)).map(|point| point.name.as_str()).collect();
    let entry = (*names.get(entry::choose(&names, entry)?).unwrap_or(&"")).to_owned();
    check_overrides(source, &module)?;
    let info =
        Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).map_err(|error| validation_error(source, &error))?;
    math::check(source, &module, &info)?;
    uniform::check(source, &module)?;

    let point = Some((ShaderStage::Compute, entry.as_str()));
    let (constant, constant_info) =
        process_overrides(&module, &info, point, &Default::default()).map_err(|error| constant_error(source, &error))?;
    match finish(source, &constant, &constant_info, &entry, target) {
        // Functions that the entry point does not call may be what needs more than the device has: once more without them.
        Err(error) if error.kind == Kind::Unsupported && !constant.functions.is_empty() => {
            let mut module = constant.into_owned();
            compact(&mut module, KeepUnused::No);
            let info = validator().validate(&module).map_err(|error| validation_error(source, &error))?;
            finish(source, &module, &info, &entry, target)
        }
        outcome => outcome,
    }
}

/// The validator, with everything switched on: what the device lacks is found in the SPIR-V, to be named.
fn validator() -> Validator {
    Validator::new(ValidationFlags::all(), Capabilities::all())
}

/// From the compiler's form of a kernel to the kernel.
fn finish(source: Source<'_>, module: &naga::Module, info: &ModuleInfo, entry: &str, target: &Target) -> Result<Kernel> {
    let spirv = write(source, module, info, entry, target)?;
    let spirv = cooperative::repair(&spirv)?.unwrap_or(spirv);
    let spirv = composite::repair(&spirv)?.unwrap_or(spirv);
    let spirv = strip::repair(&spirv)?.unwrap_or(spirv);
    let spirv = barrier::repair(&spirv)?.unwrap_or(spirv);
    let index = Index::new(Words::split(&spirv)?)?;
    // Before the capabilities: a texture is refused by its name.
    let interface = reflect::interface(&index, Some(entry))?;
    check::capabilities(&index.words, target)?;
    check::universal(&index)?;
    check::uniform_matrices(&index)?;
    check::limits(&interface, target)?;
    Ok(Kernel { spirv, interface })
}

/// Whether an entry point is a compute kernel.
fn is_compute(point: &naga::EntryPoint) -> bool {
    point.stage == ShaderStage::Compute
}

/// Capabilities that the compiler likes to use and can do without: for packing bytes, and for products of packed bytes.
const DISPENSABLE: [Capability; 3] = [Capability::Int8, Capability::DotProduct, Capability::DotProductInput4x8BitPacked];

/// The capabilities that the compiler may use: all (`None`), but for the dispensable ones that the device lacks. What else it lacks is
/// found afterwards, to be named.
fn permitted(target: &Target) -> Option<FastHashSet<Capability>> {
    let missing: Vec<Capability> = DISPENSABLE.into_iter().filter(|own| !target.capabilities.contains(own)).collect();
    if missing.is_empty() {
        return None;
    }
    static ALL: LazyLock<Vec<Capability>> = LazyLock::new(|| (0..=MAX_CAPABILITY).filter_map(Capability::from_u32).collect());
    Some(ALL.iter().copied().filter(|own| !missing.contains(own)).collect())
}

/// Writes the SPIR-V of one entry point.
fn write(source: Source<'_>, module: &naga::Module, info: &ModuleInfo, entry: &str, target: &Target) -> Result<Vec<u32>> {
    let options = spv::Options {
        lang_version: target.spirv_version,
        // Names: reflection reads them. Nothing of graphics.
        flags: spv::WriterFlags::DEBUG,
        // The bindings are those of the text.
        fake_missing_bindings: true,
        capabilities: permitted(target),
        bounds_check_policies: naga::proc::BoundsCheckPolicies {
            index: BoundsCheckPolicy::Restrict,
            buffer: BoundsCheckPolicy::Restrict,
            image_load: BoundsCheckPolicy::ReadZeroSkipWrite,
            binding_array: BoundsCheckPolicy::Restrict,
        },
        zero_initialize_workgroup_memory: if target.native_zero_init {
            spv::ZeroInitializeWorkgroupMemoryMode::Native
        } else {
            spv::ZeroInitializeWorkgroupMemoryMode::Polyfill
        },
        // It made loops three and more times slower, for the sake of loops that never end.
        force_loop_bounding: false,
        // Vendors lack the capability, and a compute kernel has no such inputs.
        use_storage_input_output_16: false,
        ..spv::Options::default()
    };
    let pipeline = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: entry.to_owned() };
    spv::write_vec(module, info, &options, Some(&pipeline)).map_err(|error| {
        let kind = match error {
            spv::Error::FeatureNotImplemented(_) | spv::Error::SpirvVersionTooLow(..) | spv::Error::MissingCapabilities(..) => {
                Kind::Unsupported
            }
            _ => Kind::Compile,
        };
        source.error(kind, &format!("{error}, while writing SPIR-V for {entry}"), &[], &[])
    })
}

/// Refuses overrides that have no value: constants cannot be set yet.
fn check_overrides(source: Source<'_>, module: &naga::Module) -> Result<()> {
    for (handle, constant) in module.overrides.iter() {
        if constant.init.is_none() {
            let name = constant.name.as_deref().unwrap_or("(unnamed)");
            let message = format!(
                "the override constant {name} has no default value, and constants cannot be set in this version: give it one \
                 (override {name} = ...;)"
            );
            let range = module.overrides.get_span(handle).to_range().unwrap_or(0..0);
            return Err(source.error(Kind::Compile, &message, &[Label { range, text: "no default value".into() }], &[]));
        }
    }
    Ok(())
}

/// A mistake that the parser found.
fn parse_error(source: Source<'_>, error: &naga::front::wgsl::ParseError) -> Error {
    let labels = error.labels();
    let labels = labels.filter_map(|(span, text)| Some(Label { range: span.to_range()?, text: text.to_owned() }));
    let labels: Vec<Label> = labels.collect();
    let notes: Vec<String> = error.notes().map(str::to_owned).collect();
    let mut message = error.message();
    if notes.iter().any(|note| note.contains("recursion limit")) {
        message = "types, expressions or statements nest deeper than the compiler goes, about 120 levels";
    }
    source.error(Kind::Compile, message, &labels, &notes)
}

/// A mistake that the validator found: its places without the compiler's own names for things, and its causes.
fn validation_error(source: Source<'_>, error: &WithSpan<ValidationError>) -> Error {
    let labels = error.spans().filter_map(|(span, text)| {
        let text = if text.contains("naga::") { String::new() } else { text.clone() };
        Some(Label { range: span.to_range()?, text })
    });
    let mut labels: Vec<Label> = labels.collect();
    // The innermost place is the one to look at.
    labels.sort_by_key(|label| label.range.len());
    let mut notes = Vec::new();
    let mut cause = std::error::Error::source(error.as_inner());
    while let Some(inner) = cause {
        notes.push(without_handles(&inner.to_string()));
        cause = inner.source();
    }
    // The last cause says what is wrong, the ones before it where.
    notes.insert(0, without_handles(&error.as_inner().to_string()));
    let message = notes.pop().unwrap_or_default();
    source.error(Kind::Compile, &message, &labels, &notes)
}

/// The compiler's message without its numbers for things, as in "Function [3] 'f' is invalid".
fn without_handles(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(" [") {
        let (before, after) = rest.split_at(start);
        out.push_str(before);
        let end = after.find(']').unwrap_or(0);
        let number = after.get(2..end).is_some_and(|inner| !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit()));
        let (dropped, next) = after.split_at(if number { end + 1 } else { 2 });
        if !number {
            out.push_str(dropped);
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

/// A mistake in override constants.
fn constant_error(source: Source<'_>, error: &PipelineConstantError) -> Error {
    use PipelineConstantError::{MissingValue, ValidationError};
    match error {
        ValidationError(error) => validation_error(source, error),
        MissingValue(name) => {
            let message = format!("the override constant {name} has no value, and constants cannot be set in this version");
            source.error(Kind::Compile, &message, &[], &[])
        }
        _ => source.error(Kind::Compile, &error.to_string(), &[], &[]),
    }
}
