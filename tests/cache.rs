//! The disk cache. Kernels build whatever files the folder contains, and damaged files are replaced.
//!
//! These tests have a binary of their own, because a driver that reads a damaged cache may end the process, and no other test
//! should end with it.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{Folder, files_below, is_child, rerun};
use common::random::Random;
use common::*;
use std::fs;
use std::path::PathBuf;
use std::ptr::null;
use std::time::{Duration, Instant};

const KERNEL: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) { x[id.x] = id.x * 3u + 1u; }";

/// Opens a device with the folder, builds and runs a kernel, and closes the device. Returns false if there is no device.
#[track_caller]
fn session(cache_dir: Option<&str>) -> bool {
    let cache_dir = cache_dir.map(c);
    let options = avx_device_options { cache_dir: cache_dir.as_ref().map_or(null(), |d| d.as_ptr()), ..avx_device_options::zeroed() };
    let Some(device) = Device::open_with(&options) else { return false };
    let kernel = device.kernel(KERNEL);
    let x = device.alloc(256, AVX_MEMORY_DEVICE);
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x)]);
    let words = device.words(x, 64);
    if !device.is_mock() {
        assert_eq!(words, (0..64).map(|i| i * 3 + 1).collect::<Vec<u32>>());
    }
    device.close();
    true
}

/// The files with their contents.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// Prints a skip and returns true if the driver has a cache of its own, so that the library gives it none.
fn driver_caches() -> bool {
    let own = Device::open().is_some_and(|device| text(&device.info().vendor) == "NVIDIA");
    if own {
        skip("the driver keeps its own cache of pipelines");
    }
    own
}

/// A folder after a session that filled it, with its files. `None` if there is no device.
fn filled() -> Option<(Folder, Files)> {
    let folder = Folder::new("cache");
    if driver_caches() || !session(Some(folder.text())) {
        return None;
    }
    let files: Files = files_below(folder.path()).into_iter().map(|p| (p.clone(), fs::read(p).expect("readable"))).collect();
    assert!(!files.is_empty(), "nothing is cached after a session");
    Some((folder, files))
}

#[test]
fn a_session_fills_the_folder_and_the_next_uses_it() {
    let Some((folder, files)) = filled() else { return };
    assert!(session(Some(folder.text())));
    let again = files_below(folder.path());
    assert_eq!(again, files.into_iter().map(|f| f.0).collect::<Vec<_>>(), "no more files, and no temporary ones");
}

/// Opens a device with the folder and makes a kernel.
fn open_with_kernel(folder: &Folder) -> Option<Device> {
    let cache_dir = c(folder.text());
    let options = avx_device_options { cache_dir: cache_dir.as_ptr(), ..avx_device_options::zeroed() };
    let device = Device::open_with(&options)?;
    device.kernel(KERNEL);
    Some(device)
}

#[test]
fn kernels_are_saved_although_the_device_is_not_destroyed() {
    let folder = Folder::new("cache");
    if driver_caches() {
        return;
    }
    let Some(device) = open_with_kernel(&folder) else { return };
    let start = Instant::now();
    while files_below(folder.path()).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(100), "nothing was saved");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The thread that saved has ended or is ending, and the next kernel is saved too.
    device.kernel(&KERNEL.replace("3u", "5u"));
    device.close();
    assert!(session(Some(folder.text())));
}

#[test]
fn kernels_are_saved_on_demand() {
    let folder = Folder::new("cache");
    if driver_caches() {
        return;
    }
    let Some(device) = open_with_kernel(&folder) else { return };
    ok(avx_device_trim(device.handle));
    assert!(!files_below(folder.path()).is_empty(), "nothing was saved");
    device.close();
}

#[test]
fn a_folder_that_does_not_exist_is_made() {
    let folder = Folder::new("cache");
    let deep = folder.path().join("a/b/c");
    if !driver_caches() && session(deep.to_str()) {
        assert!(!files_below(&deep).is_empty());
    }
}

/// Damages every file, runs a session, and checks that each file is whole again.
#[track_caller]
fn survives(what: &str, damage: impl Fn(&[u8]) -> Vec<u8>) {
    let Some((folder, files)) = filled() else { return };
    let mut damaged = Vec::new();
    for (path, content) in &files {
        let bad = damage(content);
        assert!(&bad != content, "{what} changes nothing");
        fs::write(path, &bad).expect("writable");
        damaged.push(bad);
    }
    assert!(session(Some(folder.text())));
    for ((path, _), bad) in files.iter().zip(&damaged) {
        let now = fs::read(path).unwrap_or_default();
        assert!(&now != bad, "{what}: {} was not replaced", path.display());
    }
    assert!(session(Some(folder.text())));
}

#[test]
fn truncated_files() {
    survives("a file of no bytes", |_| Vec::new());
    survives("a file of one byte", |f| f[..1].to_vec());
    survives("a file of half its bytes", |f| f[..f.len() / 2].to_vec());
    survives("a file short of one byte", |f| f[..f.len() - 1].to_vec());
}

#[test]
fn damaged_files() {
    for place in [0, 1, 2, 3, 5, 7] {
        survives("a turned bit", |f| {
            let mut f = f.to_vec();
            let at = f.len() * place / 8;
            f[at] ^= 0x10;
            f
        });
    }
    survives("a turned bit at the end", |f| [&f[..f.len() - 1], &[f[f.len() - 1] ^ 1]].concat());
    survives("zeros", |f| vec![0; f.len()]);
    survives("bytes behind the end", |f| [f, &[0; 100]].concat());
}

#[test]
fn foreign_files() {
    survives("noise", |f| Random::new(50).bytes(f.len()));
    survives("text", |_| b"This is somebody else's file.\n".to_vec());
    survives("a large file", |_| Random::new(51).bytes(3 << 20));
    let Some((folder, _)) = filled() else { return };
    let mine = folder.path().join("holiday.txt");
    fs::write(&mine, "mine").expect("writable");
    assert!(session(Some(folder.text())));
    assert_eq!(fs::read_to_string(mine).expect("still there"), "mine", "a file that is not the library's was touched");
}

#[test]
fn a_folder_in_the_place_of_a_file() {
    let Some((folder, files)) = filled() else { return };
    for (path, _) in &files {
        fs::remove_file(path).expect("removable");
        fs::create_dir(path).expect("a folder of that name");
    }
    assert!(session(Some(folder.text())));
}

#[test]
fn files_swapped_between_folders_of_other_kernels() {
    let Some((folder, files)) = filled() else { return };
    let other = Folder::new("cache");
    let options = c(other.text());
    let options = avx_device_options { cache_dir: options.as_ptr(), ..avx_device_options::zeroed() };
    let Some(device) = Device::open_with(&options) else { return };
    device.kernel("@group(0) @binding(0) var<storage, read_write> y: array<f32>; @compute @workgroup_size(1) fn main() { y[0] = 2.0; }");
    device.close();
    for (from, (to, _)) in files_below(other.path()).iter().zip(&files) {
        fs::copy(from, to).expect("copied");
    }
    assert!(session(Some(folder.text())));
}

#[test]
fn folders_that_cannot_be_written() {
    let folder = Folder::new("cache");
    let file = folder.path().join("file");
    fs::write(&file, "a file, not a folder").expect("writable");
    for path in [file.clone(), file.join("below"), PathBuf::from("/proc/avx_gpu_no_such_folder"), PathBuf::from("/dev/null/x")] {
        if !session(path.to_str()) {
            return;
        }
    }
    assert_eq!(fs::read_to_string(&file).expect("still there"), "a file, not a folder");
    assert_eq!(files_below(folder.path()), [file]);
}

#[test]
fn read_only_folders() {
    let Some((folder, files)) = filled() else { return };
    let set = |read_only: bool| {
        let mut all: Vec<PathBuf> = files.iter().map(|f| f.0.clone()).collect();
        all.extend(files.iter().filter_map(|f| f.0.parent().map(PathBuf::from)));
        all.push(folder.path().to_owned());
        for path in all {
            let mut permissions = fs::metadata(&path).expect("there").permissions();
            permissions.set_readonly(read_only);
            fs::set_permissions(&path, permissions).expect("ours");
        }
    };
    set(true);
    let worked = session(Some(folder.text()));
    set(false);
    assert!(worked);
}

#[test]
fn several_devices_share_a_folder() {
    let folder = Folder::new("cache");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..3 {
                    session(Some(folder.text()));
                }
            });
        }
    });
    let left: Vec<_> = files_below(folder.path()).into_iter().filter(|p| p.extension().is_none_or(|e| e != "cache")).collect();
    assert!(left.is_empty(), "temporary files are left: {left:?}");
}

/// One session with the default folder or none, as the environment says. The tests below run it.
#[test]
fn one_session() {
    if is_child() {
        let off = std::env::var_os("AVX_GPU_TEST_NO_CACHE").is_some();
        session(if off { Some("") } else { None });
    }
}

/// The files that a session leaves in a home folder of its own, without the drivers' own caches.
fn left_by_a_session(no_cache: Option<&str>) -> Vec<PathBuf> {
    let home = Folder::new("home");
    let variables =
        [("HOME", Some(home.text())), ("XDG_CACHE_HOME", None), ("AVX_GPU_TEST_NO_CACHE", no_cache), ("TMPDIR", Some(home.text()))];
    rerun("one_session", &variables);
    let drivers = ["mesa", "nvidia", ".nv", "radv", "shader_cache", "shader_validation_cache"];
    let below = |p: PathBuf| p.strip_prefix(home.path()).map(PathBuf::from).unwrap_or(p);
    files_below(home.path()).into_iter().map(below).filter(|p| !drivers.iter().any(|d| p.to_string_lossy().contains(d))).collect()
}

#[test]
fn an_empty_name_means_no_disk_cache() {
    assert_eq!(left_by_a_session(Some("1")), Vec::<PathBuf>::new());
}

#[test]
fn the_default_folder_is_the_users_cache() {
    if device_count() == 0 {
        return skip("no driver");
    }
    if driver_caches() {
        return;
    }
    let left = left_by_a_session(None);
    assert!(!left.is_empty(), "nothing is cached in the default folder");
    for path in left {
        assert!(path.starts_with(".cache/avx_gpu") || path.starts_with("Library/Caches/avx_gpu"), "{}", path.display());
    }
}

/// A source that takes long to compile.
fn long_text() -> String {
    let steps: String = (0..1200).map(|i| format!("v = v * {}u + {i}u;\n", 2 * i + 1)).collect();
    format!(
        "override START: u32 = 1u; @group(0) @binding(0) var<storage, read_write> x: array<u32>;
        @compute @workgroup_size(64) fn long(@builtin(global_invocation_id) id: vec3<u32>) {{ var v = id.x + START; {steps} x[id.x] = v; }}"
    )
}

/// Creates the slow kernel with a constant, on a device with this folder, and runs it. `None` if there is no device.
fn run_long(cache_dir: &std::ffi::CStr, start: u32) -> Option<()> {
    let options = avx_device_options { cache_dir: cache_dir.as_ptr(), ..avx_device_options::zeroed() };
    let device = Device::open_with(&options)?;
    let (text, name) = (long_text(), c("START"));
    let constant = avx_constant { name: name.as_ptr(), id: 0, kind: AVX_CONSTANT_NUMBER, value: start.into(), bits: 0 };
    let options = avx_kernel_options {
        code: text.as_ptr().cast(),
        code_size: text.len() as u64,
        constants: &constant,
        constant_count: 1,
        ..avx_kernel_options::zeroed()
    };
    let mut kernel = std::ptr::null_mut();
    ok(abi::kernel_create(device.handle, &options, &mut kernel));
    assert_eq!(common::text(&kernel_info(kernel).entry_point), "long");
    let x = device.alloc(256, AVX_MEMORY_DEVICE);
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x)]);
    let words = device.words(x, 64);
    let want = |id: u32| (0..1200u32).fold(id + start, |v, i| v.wrapping_mul(2 * i + 1).wrapping_add(i));
    assert!(device.is_mock() || words == (0..64).map(want).collect::<Vec<u32>>());
    device.close();
    Some(())
}

#[test]
fn long_kernels_are_kept_as_spirv() {
    let folder = Folder::new("cache");
    let cache_dir = c(folder.text());
    let kept = || -> Files {
        let files = files_below(&folder.path().join("avx_gpu/spirv"));
        files.into_iter().map(|path| (path.clone(), fs::read(path).expect("readable"))).collect()
    };
    if run_long(&cache_dir, 1).is_none() {
        return;
    }
    let first = kept();
    assert_eq!(first.len(), 1);
    // The same kernel is not compiled again, and other constants give another kernel.
    let time = || fs::metadata(&first[0].0).expect("a file").modified().expect("a time");
    let before = time();
    run_long(&cache_dir, 1);
    assert!(kept() == first && time() == before, "the file was written again");
    run_long(&cache_dir, 2);
    assert_eq!(kept().len(), 2);
    // Whatever the file contains, the kernel computes the right result, and the file is whole again.
    let (path, whole) = &first[0];
    let other = kept().into_iter().find(|(name, _)| name != path).expect("the other").1;
    for damaged in [other, whole[..whole.len() / 2].to_vec(), Vec::new(), [&whole[..], &[0]].concat()] {
        fs::write(path, &damaged).expect("writable");
        run_long(&cache_dir, 1);
        assert!(kept().iter().any(|(name, content)| name == path && content == whole), "the file is not whole again");
    }
}

#[test]
fn glsl_by_the_systems_compiler_is_kept_as_spirv() {
    common::glsl::by_both("glsl_by_the_systems_compiler_is_kept_as_spirv", |_, full| {
        let folder = Folder::new("cache");
        let cache_dir = c(folder.text());
        let kept = || files_below(&folder.path().join("avx_gpu/spirv")).len();
        let code = "#version 450\nlayout(local_size_x = 64) in;\nlayout(constant_id = 1) const uint ADD = 5u;
            layout(binding = 0) buffer X { uint x[]; };\nvoid main() { x[gl_GlobalInvocationID.x] = gl_GlobalInvocationID.x * 3u + ADD; }\n";
        for (round, add) in [(1, None), (1, None), (2, Some(9.0)), (2, Some(9.0))] {
            let options = avx_device_options { cache_dir: cache_dir.as_ptr(), ..avx_device_options::zeroed() };
            let Some(device) = Device::open_with(&options) else { return };
            let constants: Vec<avx_constant> =
                add.iter().map(|value| avx_constant { name: null(), id: 1, kind: AVX_CONSTANT_NUMBER, value: *value, bits: 0 }).collect();
            let kernel = common::glsl::Text { constants: &constants, ..common::glsl::text(code) }.kernel(&device);
            let x = device.alloc(256, AVX_MEMORY_DEVICE);
            device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x)]);
            let words = device.words(x, 64);
            let add = add.map_or(5, |value| value as u32);
            assert!(device.is_mock() || words == (0..64).map(|i| i * 3 + add).collect::<Vec<u32>>());
            assert_eq!(kept(), if full { round } else { 0 });
            device.close();
        }
    });
}

/// Replaces the payload of a cache file, with a header that is right for it.
fn forge(path: &std::path::Path, change: impl FnOnce(&[u8]) -> Vec<u8>) {
    const LENGTH: usize = 72;
    const HEADER: usize = 96;
    let file = fs::read(path).expect("readable");
    let payload = change(&file[HEADER..]);
    let mut forged = file[..LENGTH].to_vec();
    forged.extend((payload.len() as u64).to_le_bytes());
    forged.extend(xxhash_rust::xxh3::xxh3_128(&payload).to_le_bytes());
    forged.extend(payload);
    fs::write(path, forged).expect("writable");
}

/// Gives the entry point of a SPIR-V module a name that no driver takes.
fn with_a_long_name(spirv: &[u8]) -> Vec<u8> {
    let words: Vec<u32> = spirv.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes"))).collect();
    let (mut out, mut at) = (words[..5].to_vec(), 5);
    while at < words.len() {
        let (count, opcode) = ((words[at] >> 16) as usize, words[at] & 0xffff);
        let instruction = &words[at..at + count];
        at += count;
        if opcode != 15 {
            out.extend(instruction);
            continue;
        }
        let name_words = instruction[3..].iter().position(|word| word >> 24 == 0).expect("a name ends with a NUL") + 1;
        let name = [[u32::from_le_bytes(*b"long"); 75].as_slice(), &[0]].concat();
        let rest = &instruction[3 + name_words..];
        out.push(((3 + name.len() + rest.len()) as u32) << 16 | opcode);
        out.extend(instruction[1..3].iter().chain(&name).chain(rest));
    }
    out.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn forged_spirv_is_compiled_anew() {
    let folder = Folder::new("cache");
    let cache_dir = c(folder.text());
    if run_long(&cache_dir, 1).is_none() {
        return;
    }
    let files = files_below(&folder.path().join("avx_gpu/spirv"));
    let [path] = files.as_slice() else { panic!("not one file: {files:?}") };
    let whole = fs::read(path).expect("readable");
    for forged in [with_a_long_name as fn(&[u8]) -> Vec<u8>, |spirv| spirv[..spirv.len() / 2].to_vec(), |_| Vec::new()] {
        forge(path, forged);
        assert!(fs::read(path).expect("readable") != whole);
        run_long(&cache_dir, 1);
        assert!(fs::read(path).expect("readable") == whole, "the file is not whole again");
    }
}

#[test]
fn a_forged_pipeline_cache_is_no_failure() {
    let Some((folder, files)) = filled() else { return };
    let Some((path, whole)) = files.iter().find(|(path, _)| path.parent().is_some_and(|parent| parent.ends_with("avx_gpu"))) else {
        panic!("no file of pipelines: {files:?}")
    };
    // The driver's own header, of 32 bytes, is right in the first. The null driver's data is empty.
    for forged in [|data: &[u8]| [&data[..data.len().min(32)], &[0; 64]].concat(), |_: &[u8]| b"not a cache".to_vec()] {
        forge(path, forged);
        assert!(fs::read(path).expect("readable") != *whole);
        assert!(session(Some(folder.text())) && session(Some(folder.text())));
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use common::process::within;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::path::Path;

    /// Longer than any session lasts, even on a busy machine.
    const LIMIT: Duration = Duration::from_secs(120);

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("there").permissions().mode() & 0o7777
    }

    fn pipe(path: &Path) {
        let name = c(path.to_str().expect("UTF-8"));
        // SAFETY: the name ends with a NUL.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    }

    #[test]
    fn others_have_no_access() {
        let Some((folder, files)) = filled() else { return };
        assert_eq!(mode(&folder.path().join("avx_gpu")), 0o700);
        for (path, _) in &files {
            assert_eq!(mode(path), 0o600, "{}", path.display());
        }
    }

    #[test]
    fn pipes_and_links_in_the_place_of_files() {
        let Some((folder, files)) = filled() else { return };
        let victim = folder.path().join("victim");
        for place in [(|path: &Path, _: &Path| pipe(path)) as fn(&Path, &Path), |path, victim| symlink(victim, path).expect("a link")] {
            fs::write(&victim, "precious").expect("writable");
            for (path, _) in &files {
                fs::remove_file(path).expect("removable");
                place(path, &victim);
            }
            let text = folder.text().to_owned();
            assert!(within(LIMIT, "a session with pipes or links in its cache", move || session(Some(&text))));
            assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
            for (path, _) in &files {
                assert!(fs::symlink_metadata(path).expect("there").is_file(), "{} was not replaced", path.display());
            }
        }
    }

    #[test]
    fn folders_of_others_are_left_alone() {
        let folder = Folder::new("cache");
        let own = folder.path().join("avx_gpu");
        fs::create_dir(&own).expect("a folder");
        if chown(&own, Some(65534), None).is_err() {
            return skip("only root can make a folder of another user");
        }
        if session(Some(folder.text())) {
            assert_eq!(files_below(&own), Vec::<PathBuf>::new());
        }
    }

    /// The tests below run it in a process of its own.
    #[test]
    fn session_at_a_limit() {
        if !is_child() {
            return;
        }
        let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
        // SAFETY: the call reads a local of the right type.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) }, 0);
        let folder = std::env::var("AVX_GPU_TEST_FOLDER").expect("set by the test");
        session(Some(&folder));
    }

    #[test]
    fn a_limit_on_the_size_of_files_fails_the_write_alone() {
        // Some drivers put code into files in memory, which the limit is for too: SwiftShader ends the process without any cache.
        let without_files = std::process::Command::new(std::env::current_exe().expect("the path of the test"))
            .args(["unix::session_at_a_limit", "--exact", "--test-threads=1"])
            .envs([("AVX_GPU_TEST_CHILD", "1"), ("AVX_GPU_TEST_FOLDER", ""), ("MESA_SHADER_CACHE_DISABLE", "true")])
            .env_remove("AVX_GPU_TRACE")
            .output()
            .expect("start the test again");
        if std::os::unix::process::ExitStatusExt::signal(&without_files.status) == Some(libc::SIGXFSZ) {
            return skip("the driver itself does not live with the limit");
        }
        let folder = Folder::new("cache");
        let trace = folder.path().join("trace.json");
        let variables = [
            ("AVX_GPU_TEST_FOLDER", Some(folder.text())),
            ("AVX_GPU_TRACE", trace.to_str()),
            // The driver's own cache would end the process.
            ("MESA_SHADER_CACHE_DISABLE", Some("true")),
        ];
        rerun("unix::session_at_a_limit", &variables);
        let left: Vec<PathBuf> = files_below(folder.path()).into_iter().filter(|path| *path != trace).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "a half-written file is left");
    }

    /// A session with a relative folder, in which the program changes its folder. The test below runs it.
    #[test]
    fn session_that_moves() {
        if !is_child() {
            return;
        }
        let top = PathBuf::from(std::env::var_os("AVX_GPU_TEST_FOLDER").expect("set by the test"));
        std::env::set_current_dir(top.join("here")).expect("a folder");
        let options = c("kernels");
        let options = avx_device_options { cache_dir: options.as_ptr(), ..avx_device_options::zeroed() };
        let Some(device) = Device::open_with(&options) else { return };
        device.kernel(KERNEL);
        std::env::set_current_dir(top.join("elsewhere")).expect("a folder");
        device.close();
    }

    #[test]
    fn a_relative_folder_stays_where_it_was() {
        if driver_caches() || device_count() == 0 {
            return;
        }
        let folder = Folder::new("cache");
        for name in ["here", "elsewhere"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        rerun("unix::session_that_moves", &[("AVX_GPU_TEST_FOLDER", Some(folder.text()))]);
        assert!(!files_below(&folder.path().join("here/kernels/avx_gpu")).is_empty());
        assert_eq!(files_below(&folder.path().join("elsewhere")), Vec::<PathBuf>::new());
    }
}
