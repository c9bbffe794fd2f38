//! A setuid program trusts no variable that its caller chooses: no AVX_GPU_ variable, and none that names the default cache folder.
//!
//! These tests have a binary of their own, because the binary is copied and gets the setuid bit. They need root, as CI has it.

#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{Folder, files_below};
use common::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::null;

/// Set in the process that a test here has started. It says what the process does.
const MARKER: &str = "AVX_GPU_TEST_SETUID";
/// A user without rights.
const NOBODY: u32 = 65534;
/// What the child says about itself and about the device.
const SECURE: &str = "child: more rights than the caller";
const ORDINARY: &str = "child: the caller's rights";
const OPENED: &str = "child: opened a device";
const NO_DEVICE: &str = "child: no device: ";

const KERNEL: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) { x[id.x] = id.x * 3u + 1u; }";
/// naga takes no `writeonly`, so the compiler that a variable names would be opened for this.
const GLSL: &str = "#version 450\nlayout(local_size_x = 64) in; layout(binding = 0) writeonly buffer X { uint x[]; };
void main() { x[gl_GlobalInvocationID.x] = 1u; }";

/// The child: opens a device with the default cache folder, and compiles kernels.
#[test]
fn child() {
    if std::env::var_os(MARKER).is_none() {
        return;
    }
    // SAFETY: the function only reads the auxiliary vector of the process.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    println!("{}", if secure { SECURE } else { ORDINARY });
    let options = avx_device_options { cache_dir: null(), ..avx_device_options::zeroed() };
    let mut handle = std::ptr::null_mut();
    if abi::create(&options, &mut handle) != AVX_OK {
        println!("{NO_DEVICE}{}", last_error());
        return;
    }
    println!("{OPENED}");
    let device = Device { handle };
    device.kernel(KERNEL);
    let mut kernel = std::ptr::null_mut();
    let options = avx_kernel_options {
        language: AVX_LANGUAGE_GLSL,
        code: GLSL.as_ptr().cast(),
        code_size: GLSL.len() as u64,
        ..avx_kernel_options::zeroed()
    };
    // Whether GLSL compiles depends on the machine. Whose compiler is opened does not.
    let _ = abi::kernel_create(device.handle, &options, &mut kernel);
    device.close();
}

/// What a child said, and what it left in the folder that its variables name.
struct Outcome {
    said: String,
    left: Vec<String>,
}

/// A library that leaves a file when it is opened, as the compiler that AVX_GPU_SHADERC names. `None` without a C compiler.
fn marking_library(folder: &Path, mark: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("mark.c"), folder.join("mark.so"));
    let text = "#include <fcntl.h>\n#include <unistd.h>\n__attribute__((constructor)) static void mark(void) { close(open(MARK, O_CREAT | O_WRONLY, 0600)); }\n";
    fs::write(&source, text).expect("writable");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC"]).arg(format!("-DMARK=\"{}\"", mark.display())).arg("-o").args([&library, &source]);
    cc.status().is_ok_and(|status| status.success()).then_some(library)
}

/// Runs the child as a user without rights, from a copy of this binary that belongs to root, with the mode given. `None`, with a reason
/// printed, if that is not possible here.
fn run(mode: u32, device: Option<&str>) -> Option<Outcome> {
    // SAFETY: the function takes nothing and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        skip("only root can make a setuid program for another user");
        return None;
    }
    let folder = Folder::new("setuid");
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    // What the child writes goes here. Everybody may write, so that only the library's own rule keeps it empty.
    let open = folder.path().join("open");
    fs::create_dir(&open).expect("a folder");
    set_mode(&open, 0o777);
    set_mode(folder.path(), 0o755);
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().expect("the path of the test"), &program).expect("a copy");
    set_mode(&program, mode);
    let Some(library) = marking_library(folder.path(), &open.join("mark")) else {
        skip("no C compiler");
        return None;
    };
    let mut command = Command::new(&program);
    command.args(["child", "--exact", "--nocapture", "--test-threads=1"]).uid(NOBODY).gid(NOBODY).current_dir(&open);
    command.env(MARKER, "1").env("HOME", open.join("home")).env("XDG_CACHE_HOME", open.join("xdg")).env("TMPDIR", &open);
    command.env("AVX_GPU_TRACE", open.join("trace.json")).env("AVX_GPU_SHADERC", library).env("AVX_GPU_LOG", "debug");
    command.env("MESA_SHADER_CACHE_DISABLE", "true").env_remove("AVX_GPU_DEVICE");
    if let Some(device) = device {
        command.env("AVX_GPU_DEVICE", device);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(e) => {
            skip(&format!("a copy of this program in {} cannot be run by another user: {e}", folder.path().display()));
            return None;
        }
    };
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "the child failed ({}):\n{said}", output.status);
    let below = |path: PathBuf| path.strip_prefix(&open).expect("below").display().to_string();
    Some(Outcome { said, left: files_below(&open).into_iter().map(below).collect() })
}

/// Runs the child with the setuid bit. `None`, with a reason printed, where the system ignores the bit.
fn run_setuid(device: Option<&str>) -> Option<Outcome> {
    let outcome = run(0o4755, device)?;
    if !outcome.said.contains(SECURE) {
        skip("the temporary folder is on a file system that ignores the setuid bit, or this process may gain no rights");
        return None;
    }
    Some(outcome)
}

#[test]
fn a_setuid_program_writes_and_loads_nothing_that_its_caller_names() {
    // The same program without the bit does all of it, so the child tries what it should.
    let Some(ordinary) = run(0o755, None) else { return };
    assert!(ordinary.said.contains(ORDINARY), "{}", ordinary.said);
    assert!(ordinary.left.contains(&"trace.json".to_owned()), "no trace: {:?}\n{}", ordinary.left, ordinary.said);
    assert!(ordinary.said.contains("avx_gpu "), "no lines of the log:\n{}", ordinary.said);
    if ordinary.said.contains(OPENED) {
        assert!(ordinary.left.contains(&"mark".to_owned()), "the compiler was not opened: {:?}\n{}", ordinary.left, ordinary.said);
        let cached = ordinary.left.iter().any(|path| path.starts_with("xdg/avx_gpu/"));
        assert!(cached || ordinary.said.contains("NVIDIA"), "nothing was cached: {:?}\n{}", ordinary.left, ordinary.said);
    } else {
        skip("no device: only the trace and the log are tested");
    }
    let Some(setuid) = run_setuid(None) else { return };
    assert_eq!(setuid.left, Vec::<String>::new(), "a setuid program wrote what its caller named:\n{}", setuid.said);
    assert!(!setuid.said.contains("avx_gpu "), "AVX_GPU_LOG was honoured:\n{}", setuid.said);
    assert_eq!(setuid.said.contains(OPENED), ordinary.said.contains(OPENED), "{}\n{}", setuid.said, ordinary.said);
}

#[test]
fn a_setuid_program_chooses_its_device_itself() {
    let Some(ordinary) = run(0o755, Some("9999")) else { return };
    if !ordinary.said.contains("AVX_GPU_DEVICE") {
        return skip(&format!("no device: {}", ordinary.said.lines().find(|line| line.contains(NO_DEVICE)).unwrap_or("")));
    }
    assert!(!ordinary.said.contains(OPENED), "{}", ordinary.said);
    let Some(setuid) = run_setuid(Some("9999")) else { return };
    assert!(setuid.said.contains(OPENED), "{}", setuid.said);
}
