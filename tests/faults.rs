//! Every failure that a driver may report, on purpose: a driver of the tests (`tests/chaos`) lets the n-th call of each entry point fail
//! with each code that the Vulkan specification allows. The program ends with a status that fits the code, no Vulkan object is left, and
//! the next program on the same library works.
//!
//! The tests have processes of their own, because the Vulkan loader reads the list of drivers once.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{Folder, is_child, rerun, within};
use common::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::time::Duration;

const OUT_OF_HOST_MEMORY: i32 = -1;
const OUT_OF_DEVICE_MEMORY: i32 = -2;
const LOST: i32 = -4;

/// A program is tried with a failure in each of the first calls of an entry point, up to this many. AVX_GPU_TEST_FAULTS sets another
/// number.
const CALLS: u64 = 2;

/// The functions of the driver in `tests/chaos`, in the library that the Vulkan loader has opened too.
struct Chaos {
    arm: extern "C" fn(u32, u64, i32, bool),
    disarm: extern "C" fn() -> u64,
    take_calls: extern "C" fn(u32) -> u64,
    code: extern "C" fn(u32, u32) -> i32,
    alive: extern "C" fn(u32) -> i64,
    names: Vec<String>,
}

impl Chaos {
    fn open(path: &Path) -> Chaos {
        let path = c(path.to_str().expect("a path in UTF-8"));
        // SAFETY: the library is the driver of the tests, whose functions have these names and types, and is never closed.
        unsafe {
            let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
            assert!(!library.is_null(), "{path:?} opens");
            let symbol = |name: &str| {
                let address = libc::dlsym(library, c(name).as_ptr());
                assert!(!address.is_null(), "the driver has {name}");
                address
            };
            let count: extern "C" fn() -> u32 = std::mem::transmute(symbol("chaos_entry_count"));
            let name: unsafe extern "C" fn(u32, *mut usize) -> *const u8 = std::mem::transmute(symbol("chaos_entry_name"));
            let names = (0..count()).map(|entry| {
                let mut length = 0;
                let bytes = name(entry, &mut length);
                String::from_utf8_lossy(std::slice::from_raw_parts(bytes, length)).into_owned()
            });
            Chaos {
                names: names.collect(),
                arm: std::mem::transmute::<*mut libc::c_void, extern "C" fn(u32, u64, i32, bool)>(symbol("chaos_arm")),
                disarm: std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> u64>(symbol("chaos_disarm")),
                take_calls: std::mem::transmute::<*mut libc::c_void, extern "C" fn(u32) -> u64>(symbol("chaos_take_calls")),
                code: std::mem::transmute::<*mut libc::c_void, extern "C" fn(u32, u32) -> i32>(symbol("chaos_entry_code")),
                alive: std::mem::transmute::<*mut libc::c_void, extern "C" fn(u32) -> i64>(symbol("chaos_alive")),
            }
        }
    }

    fn entries(&self) -> impl Iterator<Item = (u32, &str)> {
        self.names.iter().enumerate().map(|(entry, name)| (entry as u32, name.as_str()))
    }

    fn codes(&self, entry: u32) -> impl Iterator<Item = i32> {
        (0..).map(move |index| (self.code)(entry, index)).take_while(|code| *code != 0)
    }

    /// The number of Vulkan objects of each kind.
    fn objects(&self) -> Vec<i64> {
        (0..).map(|kind| (self.alive)(kind)).take_while(|count| *count >= 0).collect()
    }
}

/// The library of the driver that the tests run on, from the manifest in the environment.
fn real_driver() -> Option<PathBuf> {
    let manifests = std::env::var_os("VK_DRIVER_FILES").or_else(|| std::env::var_os("VK_ICD_FILENAMES"))?;
    let manifest = std::env::split_paths(&manifests).next()?;
    let text = std::fs::read_to_string(&manifest).ok()?;
    let library = text.split_once("\"library_path\"")?.1.split('"').nth(1)?;
    Some(if library.contains('/') { manifest.parent()?.join(library) } else { library.into() })
}

/// The library of the driver in `tests/chaos`, which cargo builds beside the tests.
fn chaos_library() -> PathBuf {
    let exe = std::env::current_exe().expect("the path of the test");
    exe.parent().expect("a folder").join("libavx_gpu_chaos.so")
}

/// Runs the test `name` again in a process whose only driver is that of `tests/chaos` over the real one.
fn rerun_with_chaos(name: &str) {
    let Some(driver) = real_driver() else {
        return skip("no driver is named by VK_DRIVER_FILES");
    };
    let folder = Folder::new(name);
    let manifest = folder.path().join("chaos.json");
    let library = chaos_library();
    let text =
        format!("{{\"file_format_version\":\"1.0.0\",\"ICD\":{{\"library_path\":\"{}\",\"api_version\":\"1.3.0\"}}}}", library.display());
    std::fs::write(&manifest, text).expect("a manifest");
    let manifest = manifest.to_str().expect("UTF-8");
    // The validation layer has state of its own that does not follow calls that fail below it.
    let variables = [
        ("VK_DRIVER_FILES", Some(manifest)),
        ("VK_ICD_FILENAMES", Some(manifest)),
        ("CHAOS_DRIVER", driver.to_str()),
        ("AVX_GPU_VALIDATION", None),
        ("VK_LOADER_LAYERS_DISABLE", Some("~implicit~")),
    ];
    rerun(name, &variables);
}

const KERNEL: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * 3u + 1u; }
}";
const WORDS: usize = 1 << 18;

/// A call that failed: what it was, its status and its message.
#[derive(Debug)]
struct Failed {
    what: &'static str,
    status: avx_status,
    message: String,
}

fn check(what: &'static str, status: avx_status) -> Result<(), Failed> {
    if status == AVX_OK { Ok(()) } else { Err(Failed { what, status, message: last_error() }) }
}

/// An ordinary program, up to its first failed call. Wrong answers panic.
/// `got` is what reads are delivered into, which may happen until the device is closed.
fn work(device: avx_device, got: &mut [u8]) -> Result<(), Failed> {
    let (mut buffer, mut upload, mut back) = (null_mut(), null_mut(), null_mut());
    check("avx_alloc", abi::alloc(device, WORDS as u64 * 4, AVX_MEMORY_DEVICE, &mut buffer))?;
    check("avx_alloc of upload memory", abi::alloc(device, 4096, AVX_MEMORY_UPLOAD, &mut upload))?;
    check("avx_alloc of readback memory", abi::alloc(device, 4096, AVX_MEMORY_READBACK, &mut back))?;
    let (mut stream, mut event, mut kernel) = (null_mut(), null_mut(), null_mut());
    check("avx_stream_create", abi::stream_create(device, std::ptr::null(), &mut stream))?;
    check("avx_event_create", abi::event_create(device, std::ptr::null(), &mut event))?;
    check("avx_kernel_from_wgsl", abi::kernel_from_wgsl(device, c(KERNEL).as_ptr(), std::ptr::null(), &mut kernel))?;
    let start: Vec<u32> = (0..WORDS as u32).collect();
    check("avx_write", write_on(stream, buffer, 0, &bytes_of(&start)))?;
    let groups = [(WORDS / 64) as u32, 1, 1];
    for _ in 0..3 {
        check("avx_dispatch", dispatch_on(stream, kernel, groups, &[arg_buffer(buffer)]))?;
    }
    check("avx_event_record", avx_event_record(stream, event))?;
    check("avx_event_wait", avx_event_wait(event, AVX_FOREVER))?;
    check("avx_read", read_on(stream, buffer, 0, got))?;
    let step = |x: u32| x.wrapping_mul(3).wrapping_add(1);
    assert!(words_of(got).iter().zip(&start).all(|(&got, &x)| got == step(step(step(x)))), "a wrong answer");

    let mut pointer = null_mut();
    check("avx_map", abi::map(upload, 0, 4096, AVX_MAP_WRITE, &mut pointer))?;
    put_mapped(pointer.cast(), &[7; 4096]);
    check("avx_unmap", avx_unmap(upload))?;
    check("avx_copy", copy((back, 0), (upload, 0), 4096))?;
    let mut small = vec![0u8; 4096];
    check("avx_read of a copy", read(back, 0, &mut small))?;
    assert!(small == [7; 4096], "a wrong copy");

    let (mut recording, mut graph) = (null_mut(), null_mut());
    check("avx_graph_begin", abi::graph_begin(device, std::ptr::null(), &mut recording))?;
    check("a recorded dispatch", dispatch_on(recording, kernel, groups, &[arg_buffer(buffer)]))?;
    check("avx_graph_end", abi::graph_end(recording, &mut graph))?;
    for _ in 0..2 {
        check("avx_graph_launch", launch(stream, graph, &[]))?;
    }
    check("avx_read_async", abi::read_async(stream, buffer, 0, got.as_mut_ptr().cast(), got.len() as u64))?;
    check("avx_stream_synchronize", avx_stream_synchronize(stream, AVX_FOREVER))?;
    let want = |x: u32| (0..5).fold(x, |x, _| step(x));
    assert!(words_of(got).iter().zip(&start).all(|(&got, &x)| got == want(x)), "a wrong answer of the graph");
    check("avx_device_trim", avx_device_trim(device))?;
    check("avx_device_synchronize", avx_device_synchronize(device, AVX_FOREVER))
}

/// Opens a device, works, and closes it. After a failure, everything that waits must still end.
fn program() -> Result<(), Failed> {
    let mut device = null_mut();
    let no_cache = c("");
    let options = avx_device_options { cache_dir: no_cache.as_ptr(), ..avx_device_options::zeroed() };
    check("avx_create", abi::create(&options, &mut device))?;
    let mut got = vec![0u8; WORDS * 4];
    let worked = work(device, &mut got);
    if worked.is_err() {
        let _ = avx_device_synchronize(device, AVX_FOREVER);
    }
    let destroyed = check("avx_destroy", avx_destroy(device));
    worked.and(destroyed)
}

/// Whether a program may end with that status after the driver's function `name` has failed with `code`.
fn fits(name: &str, code: i32, failed: &Failed) -> bool {
    let allowed: &[avx_status] = match code {
        // A device that cannot be described is left out, for whatever reason.
        _ if name == "vkEnumerateDeviceExtensionProperties" => &[AVX_ERROR_NO_DEVICE],
        // The allocator gives no code for a mapping that fails, which is a lack of address space.
        _ if name == "vkMapMemory" => &[AVX_ERROR_OUT_OF_HOST_MEMORY],
        OUT_OF_HOST_MEMORY => &[AVX_ERROR_OUT_OF_HOST_MEMORY],
        OUT_OF_DEVICE_MEMORY => &[AVX_ERROR_OUT_OF_DEVICE_MEMORY],
        LOST => &[AVX_ERROR_DEVICE_LOST],
        _ => &[AVX_ERROR_DRIVER, AVX_ERROR_NO_DRIVER, AVX_ERROR_NO_DEVICE],
    };
    allowed.contains(&failed.status) && !failed.message.is_empty()
}

#[test]
fn any_call_of_the_driver_may_fail() {
    if !is_child() {
        let Some(device) = Device::open_computing() else { return };
        device.close();
        return rerun_with_chaos("any_call_of_the_driver_may_fail");
    }
    let chaos = Chaos::open(&chaos_library());
    within(Duration::from_secs(500), "the sweep", move || sweep(&chaos));
}

fn sweep(chaos: &Chaos) {
    if let Err(failed) = program() {
        return skip(&format!("{}: {}", failed.what, failed.message));
    }
    let before = chaos.objects();
    chaos.entries().for_each(|(entry, _)| {
        (chaos.take_calls)(entry);
    });
    program().expect("a program works");
    let calls: Vec<u64> = chaos.entries().map(|(entry, _)| (chaos.take_calls)(entry)).collect();
    assert_eq!(chaos.objects(), before, "objects of a program that works");

    let most = std::env::var("AVX_GPU_TEST_FAULTS").ok().map_or(CALLS, |text| text.parse().expect("a number"));
    let (mut tried, mut wrong, mut reached) = (0, BTreeSet::new(), Vec::new());
    for (entry, name) in chaos.entries() {
        for code in chaos.codes(entry) {
            for nth in 0..calls[entry as usize].min(most) {
                for sticky in [false, true] {
                    (chaos.arm)(entry, nth, code, sticky);
                    let outcome = program();
                    let failed = (chaos.disarm)();
                    tried += u32::from(failed > 0);
                    if let Err(error) = &outcome
                        && (failed == 0 || !fits(name, code, error))
                    {
                        wrong.insert(format!(
                            "{name} = {code} (sticky: {sticky}): {}: {}: {}",
                            error.what,
                            self::name(error.status),
                            error.message
                        ));
                    }
                    let left = chaos.objects();
                    if left != before {
                        wrong.insert(format!("{name} = {code} (sticky: {sticky}): objects are left: {left:?}, not {before:?}"));
                    }
                }
            }
        }
        if calls[entry as usize] > 0 {
            reached.push(name);
        }
    }
    println!("{tried} failures of {} entry points", reached.len());
    assert!(wrong.is_empty(), "{} kinds of wrong outcomes:\n{}", wrong.len(), wrong.into_iter().collect::<Vec<_>>().join("\n"));
    program().expect("a program works after all failures");
    assert_eq!(chaos.objects(), before, "objects after all failures");
}
