//! Kernels without a device, for tools. They are compiled for a version of Vulkan, as if the device had everything that a device of that
//! version can have.

use super::compiler_threads::CompilerThreads;
use super::options::{Language, Options};
use super::parse_cache;
use super::translate;
use crate::compile::{self, entry};
use crate::runtime::base::error::{Result, invalid};
use crate::vulkan::{self, Features};
use rspirv::spirv::Capability;
use std::sync::Once;

/// The newest minor version of Vulkan that this library knows.
const NEWEST: u32 = 4;

/// A device of Vulkan 1.`minor` that has every feature and no limits.
fn target(minor: u32) -> Result<compile::Target> {
    if !(1..=NEWEST).contains(&minor) {
        return Err(invalid(format!("Vulkan 1.{minor} is none of 1.1 to 1.{NEWEST}")));
    }
    Ok(compile::Target {
        spirv_version: vulkan::spirv_version((1 << 22) | (minor << 12)),
        capabilities: vulkan::spirv_capabilities(&Features::all()).into_iter().filter_map(Capability::from_u32).collect(),
        // Every device has this feature from 1.3 on.
        native_zero_init: minor >= 3,
        max_workgroup_size: [u32::MAX; 3],
        max_workgroup_invocations: u32::MAX,
        // A size that is not known saturates at the highest number.
        max_shared_memory: u32::MAX - 1,
        max_push_constants: u32::MAX,
        max_groups: u32::MAX,
        max_storage_buffers: u32::MAX,
        max_uniform_buffers: u32::MAX,
    })
}

/// Threads for compilers. Once in a process, the first thread compiles `text` and drops the result, so that the compiler is in memory when
/// the first kernel comes.
pub(crate) fn warm_compilers(text: &'static str) -> CompilerThreads {
    static ONCE: Once = Once::new();
    CompilerThreads::with(move || {
        ONCE.call_once(|| {
            if let (Ok(parsed), Ok(target)) = (parse_cache::parse(text.as_bytes(), "", false), target(1)) {
                drop(parsed.kernel("", &compile::Request::default(), &target));
            }
        });
    })
}

/// Compiles a kernel for Vulkan 1.`minor`.
pub(crate) fn compile(options: &Options<'_>, minor: u32) -> Result<compile::CompiledKernel> {
    let target = target(minor)?;
    let source = translate::prepare(options, &target)?;
    Ok(translate::translate(options, source.as_ref(), &target, &CompilerThreads::default())??)
}

/// The names of the code's compute entry points. There are none where the code is not understood; [`compile`] returns the reason.
pub(crate) fn entry_points(options: &Options<'_>) -> Result<Vec<String>> {
    CompilerThreads::default().run(|| match options.language {
        Language::Spirv => entry::of_spirv(options.code),
        Language::Wgsl => {
            parse_cache::parse(options.code, "", false).map(|parsed| parsed.entry_points().map(str::to_owned).collect()).unwrap_or_default()
        }
        // A GLSL text has one entry point, if it compiles.
        Language::Glsl => Vec::new(),
    })
}

/// The name of a SPIR-V capability, and a description. The description is empty where the name is clear.
pub(crate) fn capability(capability: Capability) -> (String, &'static str) {
    (format!("{capability:?}"), compile::feature::describe(capability))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::base::error::Status;

    const HALF: &str = "enable f16;
        @group(0) @binding(0) var<storage, read_write> x: array<f16>;
        @compute @workgroup_size(2048) fn first() { x[0] *= 2h; }
        @compute @workgroup_size(1) fn second() { x[1] *= 2h; }";

    fn options(entry_point: Option<&str>) -> Options<'_> {
        Options { code: HALF.as_bytes(), entry_point, ..Options::default() }
    }

    #[test]
    fn each_version_has_its_spirv_and_every_feature() {
        for (minor, version) in [(1, 0x0001_0300), (2, 0x0001_0500), (3, 0x0001_0600), (4, 0x0001_0600)] {
            let kernel = compile(&options(Some("first")), minor).expect("a kernel");
            assert_eq!(kernel.spirv.get(1), Some(&version), "1.{minor}");
            assert_eq!(kernel.interface.workgroup_size, [2048, 1, 1]);
            let names: Vec<String> = kernel.interface.capabilities.iter().map(|&c| capability(c).0).collect();
            assert!(names.contains(&"Float16".to_owned()), "{names:?}");
        }
        for minor in [0, 5, u32::MAX] {
            assert_eq!(compile(&options(Some("first")), minor).expect_err("no version").status, Status::InvalidArgument);
        }
    }

    #[test]
    fn entry_points_are_listed_in_both_languages() {
        assert_eq!(entry_points(&options(None)).expect("a list"), ["first", "second"]);
        let spirv = compile(&options(Some("second")), 3).expect("a kernel").spirv;
        let code: Vec<u8> = spirv.iter().flat_map(|word| word.to_le_bytes()).collect();
        let module = Options { language: Language::Spirv, code: &code, ..Options::default() };
        assert_eq!(entry_points(&module).expect("a list"), ["second"]);
        for language in [Language::Wgsl, Language::Spirv] {
            let broken = Options { language, code: b"fn (", ..Options::default() };
            assert_eq!(entry_points(&broken).expect("a list"), [""; 0]);
        }
    }
}
