//! Helpers for the tests of this layer: targets, the compiler's thread, and external validators.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rspirv::spirv::Capability;

use crate::compile::base::error::Result;
use crate::compile::base::error::panic_error;
use crate::compile::base::target::Target;
use crate::compile::kernel::CompiledKernel;
pub(crate) use crate::compile::kernel::Request;
use crate::compile::wgsl::parse::{Parsed, WGSL_STACK};

/// A device with Vulkan 1.3 and all features that the tests use.
pub(crate) fn target() -> Target {
    use Capability::*;
    Target {
        spirv_version: (1, 6),
        capabilities: vec![
            Float16,
            Float64,
            Int8,
            Int16,
            Int64,
            Int64Atomics,
            AtomicFloat32AddEXT,
            StorageBuffer16BitAccess,
            UniformAndStorageBuffer16BitAccess,
            StorageBuffer8BitAccess,
            GroupNonUniform,
            GroupNonUniformVote,
            GroupNonUniformArithmetic,
            GroupNonUniformBallot,
            GroupNonUniformShuffle,
            GroupNonUniformShuffleRelative,
            GroupNonUniformQuad,
            CooperativeMatrixKHR,
            VulkanMemoryModel,
            VulkanMemoryModelDeviceScope,
            PhysicalStorageBufferAddresses,
            VariablePointers,
            VariablePointersStorageBuffer,
            DotProduct,
            DotProductInput4x8BitPacked,
        ],
        native_zero_init: true,
        max_workgroup_size: [1024, 1024, 64],
        max_workgroup_invocations: 1024,
        max_shared_memory: 49152,
        max_push_constants: 128,
        max_groups: 4,
        max_storage_buffers: 16,
        max_uniform_buffers: 12,
    }
}

/// The same device with Vulkan 1.1, 1.2 and 1.3: the validator's name for the version, and the target.
pub(crate) fn targets() -> [(&'static str, Target); 3] {
    let with = |version| Target { spirv_version: version, ..target() };
    [("vulkan1.1", Target { native_zero_init: false, ..with((1, 3)) }), ("vulkan1.2", with((1, 5))), ("vulkan1.3", with((1, 6)))]
}

/// Compiles in the same way as the runtime: on a thread with the stack that the compiler needs. A panic becomes an error.
pub(crate) fn compile_for(source: &str, entry: Option<&str>, target: &Target) -> Result<CompiledKernel> {
    compile_with(source, &Request { entry, ..Request::default() }, target)
}

/// Like [`compile_for`]. With `debug` the kernel reports.
pub(crate) fn compile_as(source: &str, entry: Option<&str>, target: &Target, debug: bool) -> Result<CompiledKernel> {
    compile_with(source, &Request { entry, debug, ..Request::default() }, target)
}

/// Compiles with any request.
pub(crate) fn compile_with(source: &str, request: &Request<'_>, target: &Target) -> Result<CompiledKernel> {
    std::thread::scope(|scope| {
        let compiled = || Parsed::new(source.as_bytes(), "test.wgsl", request.debug)?.kernel("test.wgsl", request, target);
        let work = move || catch_unwind(AssertUnwindSafe(compiled));
        let thread = std::thread::Builder::new().stack_size(WGSL_STACK).spawn_scoped(scope, work).expect("a thread");
        thread.join().expect("panics are caught").unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(panic_error(text.unwrap_or("")))
        })
    })
}

/// Compiles the only entry point for [`target`].
pub(crate) fn compile(source: &str) -> Result<CompiledKernel> {
    compile_for(source, None, &target())
}

/// The bytes of a module.
pub(crate) fn bytes(spirv: &[u32]) -> Vec<u8> {
    spirv.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Runs one of the SPIR-V tools on some input. `None`, with a line on standard error, if the tool is not installed.
pub(crate) fn tool(name: &str, arguments: &[&str], input: &[u8]) -> Option<std::result::Result<Vec<u8>, String>> {
    let child = Command::new(name).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: {name} is not installed");
        return None;
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the tool's output");
    writer.join().expect("the writer");
    Some(if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    })
}

/// Assembles a module. `None` if the assembler is not installed.
pub(crate) fn assemble(text: &str) -> Option<Vec<u8>> {
    let arguments = ["--target-env", "spv1.6", "--preserve-numeric-ids", "-o", "-", "-"];
    Some(tool("spirv-as", &arguments, text.as_bytes())?.unwrap_or_else(|error| panic!("{error}\n{text}")))
}

/// Compiles GLSL with the reference compiler. `None` if it is not installed.
pub(crate) fn glsl(text: &str, environment: &str) -> Option<Vec<u8>> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let source = std::env::temp_dir().join(format!("avx_gpu_glsl_{}_{number}.comp", std::process::id()));
    let path = source.with_extension("spv");
    std::fs::write(&source, text).expect("a temporary file");
    let name = |path: &std::path::Path| path.to_str().expect("a plain path").to_owned();
    let outcome = tool("glslangValidator", &["-V", "--target-env", environment, "-o", &name(&path), &name(&source)], b"");
    let code = std::fs::read(&path);
    for file in [source, path] {
        let _ = std::fs::remove_file(file);
    }
    let outcome = outcome?;
    outcome.unwrap_or_else(|error| panic!("{error}\n{text}"));
    Some(code.expect("the compiler's output"))
}

/// The year of the oldest validator that counts as current. It knows cooperative matrices, and where layouts are forbidden.
const CURRENT: u32 = 2025;

/// A current validator: the one that AVX_GPU_SPIRV_VAL names, or the system's if it is new enough.
fn current_validator() -> Option<&'static str> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let named = std::env::var("AVX_GPU_SPIRV_VAL").ok();
        let name = named.clone().unwrap_or_else(|| "spirv-val".into());
        let version = tool(&name, &["--version"], b"")?.unwrap_or_default();
        let version = String::from_utf8_lossy(&version).into_owned();
        let year = version.split_once("SPIRV-Tools v").and_then(|(_, rest)| rest.split('.').next()?.parse::<u32>().ok());
        let current = year.is_some_and(|year| year >= CURRENT);
        assert!(current || named.is_none(), "AVX_GPU_SPIRV_VAL names {name}, which is older than {CURRENT}: {version}");
        if !current {
            eprintln!("SKIPPED: a current validator: spirv-val of {CURRENT} or newer is not there; AVX_GPU_SPIRV_VAL can name one");
        }
        current.then_some(name)
    });
    found.as_deref()
}

/// The outcome of a current validator for a module. `None`, with a line on standard error, if there is no current validator.
pub(crate) fn by_current_validator(code: &[u8], environment: &str) -> Option<std::result::Result<(), String>> {
    Some(tool(current_validator()?, &["--target-env", environment, "-"], code)?.map(drop))
}

/// Whether a current validator accepts the module. Without a current validator the outcome is success.
pub(crate) fn valid_to_current(spirv: &[u32], environment: &str) -> std::result::Result<(), String> {
    by_current_validator(&bytes(spirv), environment).unwrap_or(Ok(()))
}

/// Fails the test if the validator rejects the module. A current validator is used if there is one, else the installed one.
pub(crate) fn validate(spirv: &[u32], environment: &str) {
    let validator = current_validator().unwrap_or("spirv-val");
    if let Some(Err(error)) = tool(validator, &["--target-env", environment, "-"], &bytes(spirv)) {
        let listing = tool("spirv-dis", &["-"], &bytes(spirv)).and_then(std::result::Result::ok).unwrap_or_default();
        panic!("{environment}: {error}\n{}", String::from_utf8_lossy(&listing));
    }
}
