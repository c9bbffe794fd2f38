//! The kernels of `tests/corpus`. Every entry point is compiled for each Vulkan version. The output and its variants are valid to a current
//! validator, and read back as SPIR-V with the same interface. Tests on a device check the results.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::compile::base::error::ErrorKind;
use crate::compile::from_spirv::spirv;
use crate::compile::passes::variant::{Variant, variant};
use crate::compile::testing::*;
use crate::compile::text::comments;

/// The texts of the corpus, with their names.
fn texts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let entries = |path: &Path| -> Vec<PathBuf> {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        entries.sort();
        entries
    };
    let topics = entries(&folder).into_iter().filter(|path| path.is_dir());
    let files = topics.flat_map(|topic| entries(&topic));
    let name = |path: &Path| path.strip_prefix(&folder).expect("below the folder").display().to_string();
    files.map(|path| (name(&path), std::fs::read_to_string(&path).expect("a text"))).collect()
}

/// The names of the entry points of a text.
fn entries(text: &str) -> Vec<String> {
    let module = comments::prepare(text).ok().and_then(|prepared| naga::front::wgsl::parse_str(&prepared).ok());
    module.map(|module| module.entry_points.into_iter().map(|point| point.name).collect()).unwrap_or_default()
}

/// Checks the kernels of a text. Returns the errors and the number of kernels.
fn check(name: &str, text: &str, wrong: &Mutex<Vec<String>>) -> usize {
    let tell = |why: String| wrong.lock().expect("no panic under the lock").push(format!("{name}: {why}"));
    let entries = entries(text);
    if entries.is_empty() {
        tell("there is no entry point, or it does not parse".into());
    }
    for (entry, (environment, target)) in entries.iter().flat_map(|entry| targets().map(|target| (entry, target))) {
        let kernel = match compile_for(text, Some(entry), &target) {
            Ok(kernel) => kernel,
            Err(error) => {
                tell(format!("{entry} for {environment}: {error}"));
                continue;
            }
        };
        if let Err(error) = valid_to_current(&kernel.spirv, environment) {
            tell(format!("{entry} for {environment}: {error}"));
        }
        // The variants are checked once. A grid that cannot be split gives an error.
        let versions = [Variant { aliased: true, split: false }, Variant { aliased: true, split: true }];
        for version in versions.into_iter().filter(|_| environment == "vulkan1.1") {
            let valid = match variant(&kernel, version) {
                Ok(code) => valid_to_current(&code.spirv, environment),
                Err(error) if error.kind == ErrorKind::Unsupported && version.split => Ok(()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = valid {
                tell(format!("{entry} as {version:?}: {error}"));
            }
        }
        match spirv(&bytes(&kernel.spirv), &Request::default(), &target) {
            Ok(again) if again.interface == kernel.interface => {}
            Ok(again) => tell(format!("{entry} for {environment} reads back as {:?}, not {:?}", again.interface, kernel.interface)),
            Err(error) => tell(format!("{entry} for {environment} is refused as SPIR-V: {error}")),
        }
    }
    entries.len()
}

#[test]
fn every_kernel_is_valid_on_every_version() {
    let texts = texts();
    assert!(texts.len() >= 150, "{} texts", texts.len());
    let (wrong, next, kernels) = (Mutex::new(Vec::new()), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((name, text)) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    kernels.fetch_add(check(name, text, &wrong), Ordering::Relaxed);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic under the lock");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(kernels.into_inner() >= texts.len());
}

#[test]
fn the_current_validator_knows_what_the_corpus_is_checked_for() {
    // An array with a stride in workgroup memory is invalid, but older validators accept it.
    let module = "OpCapability Shader
        OpMemoryModel Logical GLSL450
        OpEntryPoint GLCompute %1 \"main\" %2
        OpExecutionMode %1 LocalSize 1 1 1
        OpDecorate %3 ArrayStride 4
        %4 = OpTypeVoid
        %5 = OpTypeFunction %4
        %6 = OpTypeInt 32 0
        %7 = OpConstant %6 8
        %3 = OpTypeArray %6 %7
        %8 = OpTypePointer Workgroup %3
        %2 = OpVariable %8 Workgroup
        %1 = OpFunction %4 None %5
        %9 = OpLabel
        OpReturn
        OpFunctionEnd";
    let Some(code) = assemble(module) else { return };
    if let Some(verdict) = by_current_validator(&code, "vulkan1.3") {
        assert!(verdict.is_err_and(|why| why.contains("10684")));
    }
}
