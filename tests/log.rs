//! The log callback and the text of errors.
//!
//! These tests have a binary of their own, because the callback belongs to the whole process. For the same reason they run one at a
//! time.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{Folder, is_child, rerun};
use common::*;
use std::ffi::{CStr, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

static TURN: Mutex<()> = Mutex::new(());

/// The lock that this test holds. The callback is removed when the test ends.
struct Turn(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

impl Turn {
    fn take() -> Turn {
        Turn(TURN.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        abi::set_log(None, null_mut(), AVX_LOG_OFF);
    }
}

/// The lines that a callback got.
type Lines = Mutex<Vec<(i32, String)>>;

unsafe extern "C" fn keep(record: *const avx_log_record, user: *mut c_void) {
    // SAFETY: `user` is the Lines that the test passed with the callback, and it outlives the callback.
    let lines = unsafe { &*user.cast::<Lines>() };
    lines.lock().expect("no test fails while it holds this").push(line_of(record));
}

fn listen(lines: &Lines, level: i32) {
    ok(abi::set_log(Some(keep), (&raw const *lines).cast_mut().cast(), level));
}

/// Opens a device without changing the callback, uses it and closes it. Returns false if there is no device.
fn work() -> bool {
    let no_cache = c("");
    let options = avx_device_options { cache_dir: no_cache.as_ptr(), ..avx_device_options::zeroed() };
    let Some(device) = Device::open_with(&options) else { return false };
    let buffer = device.buffer_of(&[1; 16]);
    device.read(buffer, 0, 16);
    device.close();
    true
}

#[test]
fn lines_come_up_to_the_level() {
    let _turn = Turn::take();
    for level in [AVX_LOG_DEBUG, AVX_LOG_INFO, AVX_LOG_WARN, AVX_LOG_ERROR, AVX_LOG_OFF] {
        let lines = Lines::default();
        listen(&lines, level);
        let worked = work();
        ok(abi::set_log(None, null_mut(), AVX_LOG_OFF));
        let lines = lines.into_inner().expect("no test fails while it holds this");
        for (line_level, line) in &lines {
            assert!(*line_level <= level && *line_level > AVX_LOG_OFF, "a line of level {line_level} at level {level}: {line}");
            assert!(!line.is_empty() && !line.contains('\n'), "one line: {line:?}");
        }
        if worked && level >= AVX_LOG_INFO {
            assert!(!lines.is_empty(), "opening a device is worth a line at level {level}");
        }
    }
}

#[test]
fn nothing_comes_after_the_callback_is_taken_away() {
    let _turn = Turn::take();
    let lines = Lines::default();
    listen(&lines, AVX_LOG_DEBUG);
    work();
    ok(abi::set_log(None, null_mut(), AVX_LOG_DEBUG));
    let before = lines.lock().expect("unpoisoned").len();
    work();
    assert_eq!(lines.lock().expect("unpoisoned").len(), before);
}

static RUNNING: AtomicU32 = AtomicU32::new(0);
static GONE: AtomicBool = AtomicBool::new(false);
static LATE: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn slow(_record: *const avx_log_record, _user: *mut c_void) {
    RUNNING.fetch_add(1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(20));
    if GONE.load(Ordering::SeqCst) {
        LATE.fetch_add(1, Ordering::SeqCst);
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
}

#[test]
fn when_set_log_returns_no_callback_is_running() {
    let _turn = Turn::take();
    for _ in 0..5 {
        GONE.store(false, Ordering::SeqCst);
        ok(abi::set_log(Some(slow), null_mut(), AVX_LOG_DEBUG));
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            // Gives a callback time to run, in case there is one.
            while RUNNING.load(Ordering::SeqCst) == 0 && !workers.iter().all(|w| w.is_finished()) {
                std::thread::yield_now();
            }
            ok(abi::set_log(None, null_mut(), AVX_LOG_OFF));
            GONE.store(true, Ordering::SeqCst);
            assert_eq!(RUNNING.load(Ordering::SeqCst), 0, "a callback runs after avx_set_log(NULL) returned");
        });
        assert_eq!(LATE.load(Ordering::SeqCst), 0, "a callback ended after avx_set_log(NULL) returned");
    }
}

static INSIDE: [AtomicI32; 9] = [const { AtomicI32::new(-1000) }; 9];
static ALLOWED: AtomicBool = AtomicBool::new(false);

unsafe extern "C" fn call_back_in(_record: *const avx_log_record, _user: *mut c_void) {
    let mut device = null_mut();
    let mut count = 0;
    let statuses = [
        abi::create(null(), &mut device),
        abi::device_count(&mut count),
        avx_destroy(std::ptr::without_provenance_mut(12345)),
        abi::set_log(None, null_mut(), 0),
        avx_free(std::ptr::without_provenance_mut(12345)),
        avx_device_synchronize(std::ptr::without_provenance_mut(12345), 0),
        write(std::ptr::without_provenance_mut(12345), 0, &[1]),
        avx_kernel_free(std::ptr::without_provenance_mut(12345)),
        avx_unmap(std::ptr::without_provenance_mut(12345)),
    ];
    for (place, status) in INSIDE.iter().zip(statuses) {
        place.store(status, Ordering::SeqCst);
    }
    let mut text = [0; 8];
    let copied = abi::last_error_copy(text.as_mut_ptr(), 8, null_mut()) == AVX_OK;
    let allowed = copied && avx_version() != 0 && !avx_status_name(0).is_null() && !avx_last_error().is_null();
    ALLOWED.store(allowed, Ordering::SeqCst);
}

#[test]
fn inside_a_callback_calls_are_refused() {
    let _turn = Turn::take();
    ok(abi::set_log(Some(call_back_in), null_mut(), AVX_LOG_DEBUG));
    let worked = work();
    ok(abi::set_log(None, null_mut(), AVX_LOG_OFF));
    if worked {
        for (i, status) in INSIDE.iter().enumerate() {
            let status = status.load(Ordering::SeqCst);
            assert!(status == AVX_ERROR_IN_CALLBACK, "call {i} inside a callback: {}", name(status));
        }
        assert!(ALLOWED.load(Ordering::SeqCst), "avx_version, avx_status_name, avx_last_error and avx_last_error_copy work inside");
    }
}

/// A device with a callback of its own.
fn open_with_log(callback: avx_log_callback, user: *mut c_void, level: i32) -> Option<Device> {
    let no_cache = c("");
    let options = avx_device_options {
        cache_dir: no_cache.as_ptr(),
        log: callback,
        log_user: user,
        log_level: level,
        ..avx_device_options::zeroed()
    };
    Device::open_with(&options)
}

#[test]
fn a_devices_lines_go_to_its_own_callback() {
    let _turn = Turn::take();
    let (all, own, other) = (Lines::default(), Lines::default(), Lines::default());
    listen(&all, AVX_LOG_INFO);
    let user = |lines: &Lines| (&raw const *lines).cast_mut().cast();
    let Some(device) = open_with_log(Some(keep), user(&own), AVX_LOG_DEBUG) else { return };
    let Some(second) = open_with_log(Some(keep), user(&other), 0) else { return };
    device.kernel("@compute @workgroup_size(1) fn of_the_first() { }");
    work();
    device.close();
    second.close();
    ok(abi::set_log(None, null_mut(), AVX_LOG_OFF));
    let texts = |lines: Lines| -> Vec<String> {
        lines.into_inner().expect("no test fails while it holds this").into_iter().map(|(_, text)| text).collect()
    };
    let (all, own, other) = (texts(all), texts(own), texts(other));
    let has = |lines: &[String], word: &str| lines.iter().any(|line| line.contains(word));
    assert!(has(&own, "opened") && has(&own, "closed") && has(&own, "of_the_first"), "{own:#?}");
    assert!(other.is_empty(), "level 0 is AVX_LOG_WARN: {other:#?}");
    assert_eq!(all.iter().filter(|line| line.starts_with("opened")).count(), 1, "the one without a callback: {all:#?}");
    assert!(!has(&all, "of_the_first"), "{all:#?}");
}

/// The origin of a record: the device, the kernel, the invocation.
type Origins = Mutex<Vec<(usize, Option<String>, Option<[u32; 3]>)>>;

unsafe extern "C" fn keep_origin(record: *const avx_log_record, user: *mut c_void) {
    // SAFETY: the record is valid during the call, and `user` points to the Origins, which outlive the device.
    let (record, origins) = unsafe { (&*record, &*user.cast::<Origins>()) };
    assert_eq!(record.struct_size as usize, size_of::<avx_log_record>());
    // SAFETY: the pointer is NULL or the text is NUL-terminated.
    let kernel = (!record.kernel.is_null()).then(|| unsafe { CStr::from_ptr(record.kernel) }.to_str().expect("UTF-8").to_owned());
    let invocation = (record.has_invocation != 0).then_some(record.invocation);
    origins.lock().expect("no test fails while it holds this").push((record.device.addr(), kernel, invocation));
}

#[test]
fn a_record_says_where_it_comes_from() {
    let _turn = Turn::take();
    let origins = Origins::default();
    let Some(device) = open_with_log(Some(keep_origin), (&raw const origins).cast_mut().cast(), AVX_LOG_ERROR) else { return };
    if device.is_mock() {
        return;
    }
    let handle = device.handle.addr();
    let source = c("@compute @workgroup_size(2) fn main(@builtin(global_invocation_id) id: vec3<u32>) { printf(\"%u\", id.x); }");
    let label = c("talker");
    let options =
        avx_kernel_options { code: source.as_ptr().cast(), flags: AVX_KERNEL_DEBUG, label: label.as_ptr(), ..avx_kernel_options::zeroed() };
    let mut kernel = null_mut();
    ok(abi::kernel_create(device.handle, &options, &mut kernel));
    device.dispatch(kernel, [1, 2, 1], &[]);
    device.synchronize();
    let mut got = std::mem::take(&mut *origins.lock().expect("unpoisoned"));
    got.sort();
    let line = |x, y| (handle, Some("talker".to_owned()), Some([x, y, 0]));
    assert_eq!(got, [line(0, 0), line(0, 1), line(1, 0), line(1, 1)], "reports come whatever the level");
    device.close();
}

#[test]
fn when_a_device_is_destroyed_its_callback_is_not_running() {
    let _turn = Turn::take();
    for _ in 0..3 {
        GONE.store(false, Ordering::SeqCst);
        LATE.store(0, Ordering::SeqCst);
        let Some(device) = open_with_log(Some(slow), null_mut(), AVX_LOG_DEBUG) else { return };
        let handle = Shared(&device.handle);
        std::thread::scope(|scope| {
            // One thread creates kernels while another delivers the lines.
            for thread in 0..4 {
                scope.spawn(move || {
                    for i in 0..3 {
                        let source = c(&format!("@compute @workgroup_size(1) fn main() {{ var x = {i}u + {thread}u; x += 1u; }}"));
                        let mut kernel = null_mut();
                        abi::kernel_from_wgsl(*handle.get(), source.as_ptr(), null(), &mut kernel);
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(30));
            ok(avx_destroy(*handle.get()));
            GONE.store(true, Ordering::SeqCst);
            assert_eq!(RUNNING.load(Ordering::SeqCst), 0, "a callback runs after avx_destroy returned");
        });
        assert_eq!(LATE.load(Ordering::SeqCst), 0, "a callback ended after avx_destroy returned");
        std::mem::forget(device);
    }
    // No callback runs after avx_create has failed either.
    let lines = Lines::default();
    let name = c("no such device at all");
    let options = avx_device_options {
        device: name.as_ptr(),
        log: Some(keep),
        log_user: (&raw const lines).cast_mut().cast(),
        log_level: AVX_LOG_DEBUG,
        ..avx_device_options::zeroed()
    };
    let mut device = null_mut();
    assert_ne!(abi::create(&options, &mut device), AVX_OK);
    for wrong in [avx_device_options { log_level: 5, ..options }, avx_device_options { reserved: 1, ..options }] {
        fails(abi::create(&wrong, &mut device), AVX_ERROR_INVALID_ARGUMENT);
    }
}

#[test]
fn levels_that_are_none() {
    let _turn = Turn::take();
    for level in [-1, 5, i32::MIN, i32::MAX] {
        tells(&fails(abi::set_log(None, null_mut(), level), AVX_ERROR_INVALID_ARGUMENT), &["avx_set_log", &level.to_string()]);
    }
}

#[test]
fn the_last_error_is_each_threads_own() {
    let _turn = Turn::take();
    std::thread::scope(|scope| {
        for i in 0..8i32 {
            scope.spawn(move || {
                assert_eq!(last_error(), "", "before the first");
                for round in 0..100 {
                    fails(abi::set_log(None, null_mut(), 1000 * (i + 1) + round), AVX_ERROR_INVALID_ARGUMENT);
                    std::thread::yield_now();
                    tells(&last_error(), &[&(1000 * (i + 1) + round).to_string()]);
                }
            });
        }
    });
}

#[test]
fn success_keeps_the_last_error() {
    let _turn = Turn::take();
    fails(abi::set_log(None, null_mut(), 4711), AVX_ERROR_INVALID_ARGUMENT);
    ok(abi::set_log(None, null_mut(), AVX_LOG_OFF));
    ok(avx_free(null_mut()));
    tells(&last_error(), &["4711"]);
}

#[test]
fn last_error_copy_cuts_at_characters() {
    let _turn = Turn::take();
    let Some(device) = Device::open() else { return };
    let buffer = device.alloc(4, AVX_MEMORY_DEVICE);
    ok(abi::set_label(buffer, c("größe€𝄞").as_ptr()));
    let whole = fails(write(buffer, 4, &[1]), AVX_ERROR_OUT_OF_RANGE);
    assert!(whole.contains("größe€𝄞"), "{whole}");
    for capacity in 0..whole.len() + 3 {
        let mut bytes = vec![0x7Fu8; capacity + 4];
        let mut length = 0;
        ok(abi::last_error_copy(bytes.as_mut_ptr().cast(), capacity as u64, &mut length));
        assert_eq!(length, whole.len() as u64);
        assert!(bytes[capacity..].iter().all(|&b| b == 0x7F), "wrote beyond {capacity}");
        if capacity > 0 {
            let copied = CStr::from_bytes_until_nul(&bytes[..capacity]).expect("a NUL").to_str().expect("cut at a character");
            assert!(whole.starts_with(copied));
            let room = capacity - 1;
            let most = (0..=room.min(whole.len())).rev().find(|&n| whole.is_char_boundary(n)).expect("0 is one");
            assert_eq!(copied.len(), most, "capacity {capacity}");
        }
    }
    ok(abi::last_error_copy(null_mut(), 0, null_mut()));
    let mut length = 0;
    ok(abi::last_error_copy(null_mut(), 0, &mut length));
    assert_eq!(length, whole.len() as u64);
    assert!(abi::last_error_copy(null_mut(), 1, null_mut()) == AVX_ERROR_INVALID_ARGUMENT);
    assert_eq!(last_error(), whole, "avx_last_error_copy keeps the last error");
}

#[test]
fn names_of_all_statuses() {
    let known = [
        (AVX_OK, "AVX_OK"),
        (AVX_NOT_READY, "AVX_NOT_READY"),
        (AVX_TIMEOUT, "AVX_TIMEOUT"),
        (AVX_ERROR_INVALID_ARGUMENT, "AVX_ERROR_INVALID_ARGUMENT"),
        (AVX_ERROR_INVALID_HANDLE, "AVX_ERROR_INVALID_HANDLE"),
        (AVX_ERROR_OUT_OF_RANGE, "AVX_ERROR_OUT_OF_RANGE"),
        (AVX_ERROR_MAPPED, "AVX_ERROR_MAPPED"),
        (AVX_ERROR_NOT_MAPPED, "AVX_ERROR_NOT_MAPPED"),
        (AVX_ERROR_IN_CALLBACK, "AVX_ERROR_IN_CALLBACK"),
        (AVX_ERROR_UNSUPPORTED, "AVX_ERROR_UNSUPPORTED"),
        (AVX_ERROR_LIMIT, "AVX_ERROR_LIMIT"),
        (AVX_ERROR_TIMEOUT, "AVX_ERROR_TIMEOUT"),
        (AVX_ERROR_OUT_OF_DEVICE_MEMORY, "AVX_ERROR_OUT_OF_DEVICE_MEMORY"),
        (AVX_ERROR_OUT_OF_HOST_MEMORY, "AVX_ERROR_OUT_OF_HOST_MEMORY"),
        (AVX_ERROR_COMPILE, "AVX_ERROR_COMPILE"),
        (AVX_ERROR_INVALID_SPIRV, "AVX_ERROR_INVALID_SPIRV"),
        (AVX_ERROR_ENTRY_POINT, "AVX_ERROR_ENTRY_POINT"),
        (AVX_ERROR_ARGUMENTS, "AVX_ERROR_ARGUMENTS"),
        (AVX_ERROR_ASSERTION, "AVX_ERROR_ASSERTION"),
        (AVX_ERROR_NO_DRIVER, "AVX_ERROR_NO_DRIVER"),
        (AVX_ERROR_NO_DEVICE, "AVX_ERROR_NO_DEVICE"),
        (AVX_ERROR_DEVICE_LOST, "AVX_ERROR_DEVICE_LOST"),
        (AVX_ERROR_DRIVER, "AVX_ERROR_DRIVER"),
        (AVX_ERROR_INTERNAL, "AVX_ERROR_INTERNAL"),
        (AVX_ERROR_FORKED, "AVX_ERROR_FORKED"),
        (AVX_ERROR_EXITING, "AVX_ERROR_EXITING"),
    ];
    for status in -1000..1000 {
        let want = known.iter().find(|k| k.0 == status).map_or("unknown status", |k| k.1);
        assert_eq!(name(status), want, "{status}");
    }
}

/// Uses a device and provokes errors, also inside a callback. The tests below run it with AVX_GPU_LOG set or not.
#[test]
fn work_with_the_environments_log() {
    if !is_child() {
        return;
    }
    let _turn = Turn::take();
    work();
    ok(abi::set_log(Some(call_back_in), null_mut(), AVX_LOG_DEBUG));
    work();
    ok(abi::set_log(None, null_mut(), AVX_LOG_OFF));
}

/// The text that the library printed in such a run.
fn printed(level: Option<&str>) -> Vec<String> {
    let said = rerun("work_with_the_environments_log", &[("AVX_GPU_LOG", level), ("AVX_GPU_VALIDATION", None)]);
    said.lines().filter(|l| l.contains("avx_gpu ") || l.contains("AVX_")).map(str::to_owned).collect()
}

#[test]
fn nothing_is_printed_unless_asked_for() {
    for level in [None, Some("off"), Some("")] {
        let lines = printed(level);
        assert!(lines.is_empty(), "AVX_GPU_LOG={level:?}, and yet: {lines:#?}");
    }
}

#[test]
fn the_environment_asks_for_lines() {
    if device_count() == 0 {
        return skip("no driver");
    }
    assert!(!printed(Some("debug")).is_empty(), "AVX_GPU_LOG=debug prints nothing");
}

#[test]
fn variables_that_cannot_be_used_are_told() {
    if device_count() == 0 {
        return skip("no driver");
    }
    let run = |log: Option<&str>| {
        let folder = Folder::new("environment");
        let trace = folder.path().join("missing/trace.json");
        let variables =
            [("AVX_GPU_LOG", log), ("AVX_GPU_QUEUES", Some("many")), ("AVX_GPU_TRACE", trace.to_str()), ("AVX_GPU_VALIDATION", None)];
        let said = rerun("work_with_the_environments_log", &variables);
        said.lines().filter(|line| line.contains("avx_gpu warn: AVX_GPU_")).map(str::to_owned).collect::<Vec<_>>()
    };
    for log in [None, Some("warn"), Some("verbose")] {
        let lines = run(log);
        let line = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
        assert_eq!((line("AVX_GPU_QUEUES=\"many\""), line("a number from 1 to 4")), (1, 1), "AVX_GPU_LOG={log:?}: {lines:#?}");
        assert_eq!((line("missing/trace.json\""), line("in a folder that exists")), (1, 1), "AVX_GPU_LOG={log:?}: {lines:#?}");
        let of_the_level = usize::from(log == Some("verbose"));
        assert_eq!(line("AVX_GPU_LOG=\"verbose\" in the environment is no level: off, error, warn"), of_the_level, "{lines:#?}");
    }
    assert_eq!(run(Some("off")), Vec::<String>::new());
}
