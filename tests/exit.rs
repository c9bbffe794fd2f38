//! The end of a process that uses the library: `exit` beside calls and work in flight, handlers that run before and after the library's
//! own, forks. Also what a program's threads may do to themselves: be cancelled, and compute in another floating-point mode.
//!
//! Each test starts this binary again, because its subject is the whole process. Each way to end is tried [`ROUNDS`] times, because most
//! faults here are races.
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{is_child, within};
use common::*;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;

const ROUNDS: u32 = 20;
/// The exit code of a child that ended as it should.
const DONE: i32 = 42;
/// The time limit of one child.
const LIMIT: Duration = Duration::from_secs(60);

const SLOW: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        var v = id.x;
        for (var i = 0u; i < 60000u; i++) { v = v * 1664525u + 1013904223u + i; }
        x[id.x % arrayLength(&x)] = v;
    }";
const QUICK: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
    @compute @workgroup_size(1) fn main() { x[0] = x[0] + 1u; }";

/// Runs the test `name` in processes of its own, which have to end with `code` and to print `says`.
#[track_caller]
fn in_processes(name: &str, rounds: u32, code: i32, says: &str) {
    if device_count() == 0 {
        return skip("there is no driver");
    }
    for round in 0..rounds {
        let exe = std::env::current_exe().expect("the path of the test");
        let mut command = Command::new(exe);
        command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env("AVX_GPU_TEST_CHILD", round.to_string());
        // The process group lets the limit end a child's own children too.
        let mut child = std::os::unix::process::CommandExt::process_group(&mut command, 0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the test again");
        let id = i32::try_from(child.id()).expect("a process id");
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let watch = std::thread::spawn(move || {
            if receiver.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                // SAFETY: the group is that of the child, which has not been waited for.
                unsafe { libc::kill(-id, libc::SIGKILL) };
            }
        });
        let (mut out, mut err) = (String::new(), String::new());
        let mut stderr = child.stderr.take().expect("piped");
        let reader = std::thread::spawn(move || stderr.read_to_string(&mut err).map(|_| err));
        child.stdout.take().expect("piped").read_to_string(&mut out).expect("UTF-8");
        let err = reader.join().expect("reader").expect("UTF-8");
        let status = child.wait().expect("wait for the process");
        drop(sender);
        watch.join().expect("watch");
        assert!(status.code() == Some(code), "{name}, round {round}: {status} instead of {code}; it said:\n{out}{err}");
        assert!(err.contains(says) || out.contains(says), "{name}, round {round}: nobody said {says:?}:\n{out}{err}");
    }
}

/// The number of this round, in a child.
fn round() -> u64 {
    std::env::var("AVX_GPU_TEST_CHILD").ok().and_then(|round| round.parse().ok()).unwrap_or(0)
}

/// Ends the process as a C program does.
fn exit(code: i32) -> ! {
    // SAFETY: the call has no preconditions here: no handler that is registered calls it again.
    unsafe { libc::exit(code) }
}

/// Ends the process at once, as a failure that no handler hides.
fn fail(why: &str) -> ! {
    eprintln!("{why}");
    // SAFETY: _exit ends the process at once.
    unsafe { libc::_exit(3) }
}

/// Registers an exit handler.
fn at_exit(handler: extern "C" fn()) {
    // SAFETY: the handler is a function without arguments, and does not unwind.
    assert_eq!(unsafe { libc::atexit(handler) }, 0, "atexit");
}

/// The device of a child, without a disk cache: each child compiles anew.
fn open() -> Device {
    Device::open().unwrap_or_else(|| fail("no device"))
}

/// Queues work that takes a good part of a second on a CPU, and some 100 ms on a GPU.
fn queue_slow_work(device: &Device) {
    let buffer = device.alloc(4096, AVX_MEMORY_DEVICE);
    let groups = if device.is_cpu() { 100 } else { 60_000 };
    device.dispatch(device.kernel(SLOW), [groups, 1, 1], &[arg_buffer(buffer)]);
    ok(avx_stream_flush(default_stream(device)));
}

/// The device's default stream.
fn default_stream(device: &Device) -> avx_stream {
    let mut stream = null_mut();
    ok(abi::default_stream(device.handle, &mut stream));
    stream
}

/// Checks the status of a call beside the end of the process, and returns whether the process is ending.
fn is_over(status: avx_status) -> bool {
    match status {
        AVX_OK => false,
        AVX_ERROR_EXITING if last_error().contains("ending") => true,
        status => fail(&format!("{} beside exit: {}", name(status), last_error())),
    }
}

/// Calls `work` until it returns true, and then never ends.
fn keep_calling(mut work: impl FnMut(u32) -> bool + Send + 'static) {
    std::thread::spawn(move || {
        for i in 0.. {
            if work(i) && i % 1000 == 999 {
                // The thread goes on with calls, as threads do that nobody tells that the process is ending.
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
}

#[test]
fn exit_beside_threads_inside_calls() {
    if !is_child() {
        return in_processes("exit_beside_threads_inside_calls", ROUNDS, DONE, "");
    }
    let device: &'static Device = Box::leak(Box::new(open()));
    let quick = device.kernel(QUICK).addr();
    let words: Vec<usize> = (0..4).map(|_| device.alloc(1 << 20, AVX_MEMORY_DEVICE).addr()).collect();
    let handle = std::ptr::without_provenance_mut::<avx_buffer_t>;
    let (a, b, c) = (words[0], words[1], words[2]);
    // A driver that compiles while its first work runs has registered its exit handlers after this.
    for kernel in [device.kernel(QUICK), device.kernel(SLOW)] {
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(handle(c))]);
        device.synchronize();
    }
    device.words(handle(b), 4);
    keep_calling(move |_| {
        let kernel = std::ptr::without_provenance_mut(quick);
        is_over(dispatch(kernel, [1, 1, 1], &[arg_buffer(handle(a))])) | is_over(avx_device_synchronize(device.handle, AVX_FOREVER))
    });
    keep_calling(move |_| {
        let mut data = vec![0; 1 << 20];
        is_over(write(handle(b), 0, &data)) | is_over(read(handle(b), 0, &mut data))
    });
    keep_calling(move |_| is_over(dispatch(std::ptr::without_provenance_mut(quick), [1, 1, 1], &[arg_buffer(handle(c))])));
    keep_calling(move |i| {
        let text = format!("{QUICK} const number = {i}u; fn unused() -> u32 {{ return number; }}").replace("+ 1u", &format!("+ {i}u"));
        let (text, mut kernel) = (common::c(&text), null_mut());
        let over = is_over(abi::kernel_from_wgsl(device.handle, text.as_ptr(), std::ptr::null(), &mut kernel));
        over || is_over(avx_kernel_free(kernel))
    });
    if round() % 2 == 1 {
        // One thread waits for long.
        queue_slow_work(device);
        keep_calling(move |_| is_over(avx_device_synchronize(device.handle, AVX_FOREVER)));
    }
    std::thread::sleep(Duration::from_millis(3 + 7 * round()));
    exit(DONE);
}

#[test]
fn exit_beside_threads_that_open_and_close_devices() {
    if !is_child() {
        return in_processes("exit_beside_threads_that_open_and_close_devices", ROUNDS, DONE, "");
    }
    let first: &'static Device = Box::leak(Box::new(open()));
    queue_slow_work(first);
    for _ in 0..2 {
        keep_calling(move |_| {
            let mut device = null_mut();
            is_over(abi::create(std::ptr::null(), &mut device)) || is_over(avx_destroy(device))
        });
    }
    keep_calling(move |_| is_over(avx_destroy(null_mut())) || avx_destroy(first.handle) == AVX_OK);
    std::thread::sleep(Duration::from_millis(3 + 11 * round()));
    exit(DONE);
}

#[test]
fn main_returns_with_work_in_flight() {
    if !is_child() {
        return in_processes("main_returns_with_work_in_flight", ROUNDS, 0, "1 passed");
    }
    let device = open();
    queue_slow_work(&device);
    std::mem::forget(device);
}

static DEVICE: AtomicPtr<avx_device_t> = AtomicPtr::new(null_mut());
static BUFFER: AtomicPtr<avx_buffer_t> = AtomicPtr::new(null_mut());

/// Runs after the library's exit handler: frees, as destructors do, and makes other calls.
extern "C" fn older_handler() {
    let (device, buffer) = (DEVICE.load(Ordering::Relaxed), BUFFER.load(Ordering::Relaxed));
    let (mut count, mut fresh, mut other) = (0, null_mut(), null_mut());
    let statuses = [
        (avx_device_synchronize(device, AVX_FOREVER), AVX_ERROR_EXITING),
        (abi::alloc(device, 4, AVX_MEMORY_DEVICE, &mut fresh), AVX_ERROR_EXITING),
        (abi::device_count(&mut count), AVX_ERROR_EXITING),
        (abi::create(std::ptr::null(), &mut other), AVX_ERROR_EXITING),
        (avx_free(buffer), AVX_OK),
        (avx_destroy(device), AVX_OK),
        (avx_destroy(device), AVX_OK),
    ];
    for (i, (status, expected)) in statuses.into_iter().enumerate() {
        if status != expected {
            fail(&format!("call {i} of the older handler: {} instead of {}", name(status), name(expected)));
        }
    }
    eprintln!("the older handler ran");
}

/// Runs before the library's exit handler, so that the device can still be closed.
extern "C" fn newer_handler() {
    let device = DEVICE.load(Ordering::Relaxed);
    let status = avx_destroy(device);
    let again = avx_destroy(device);
    if (status, again) != (AVX_OK, AVX_ERROR_INVALID_HANDLE) {
        fail(&format!("the newer handler: {}, then {}", name(status), name(again)));
    }
    eprintln!("the newer handler ran");
}

#[test]
fn handlers_older_than_the_library_free_and_nothing_happens() {
    if !is_child() {
        return in_processes("handlers_older_than_the_library_free_and_nothing_happens", ROUNDS, DONE, "the older handler ran");
    }
    // Destructors of static objects are registered in the same way.
    at_exit(older_handler);
    let device = open();
    DEVICE.store(device.handle, Ordering::Relaxed);
    BUFFER.store(device.alloc(64, AVX_MEMORY_DEVICE), Ordering::Relaxed);
    if round() % 2 == 1 {
        queue_slow_work(&device);
    }
    exit(DONE);
}

#[test]
fn handlers_newer_than_the_library_close_the_device() {
    if !is_child() {
        return in_processes("handlers_newer_than_the_library_close_the_device", 3, DONE, "the newer handler ran");
    }
    let device = open();
    DEVICE.store(device.handle, Ordering::Relaxed);
    queue_slow_work(&device);
    device.synchronize();
    at_exit(newer_handler);
    exit(DONE);
}

#[test]
fn a_forked_child_that_exits_runs_no_code_of_the_library() {
    if !is_child() {
        return in_processes("a_forked_child_that_exits_runs_no_code_of_the_library", ROUNDS, DONE, "");
    }
    let device = open();
    queue_slow_work(&device);
    // SAFETY: the child leaves at once, and what it calls on the way are exit handlers.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the driver's handlers are not the subject, and some wait for threads that a child does not have.
        unsafe { libc::alarm(10) };
        exit(DONE);
    }
    let mut status = 0;
    // SAFETY: `status` is writable and `child` is our own.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    if libc::WIFSIGNALED(status) {
        println!("the child that called exit died of signal {}, in the driver's exit handlers", libc::WTERMSIG(status));
    }
    // The parent is not concerned.
    device.synchronize();
    exit(DONE);
}

/// How often a cancelled thread came back from its call.
static CAME_BACK: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" {
    fn pthread_setcancelstate(state: i32, before: *mut i32) -> i32;
}

/// Waits for the device, and then ends without a cancellation point.
extern "C" fn wait_for_device(device: *mut libc::c_void) -> *mut libc::c_void {
    let status = avx_device_synchronize(device.cast(), AVX_FOREVER);
    let mut before = -1;
    // SAFETY: the state that is set keeps this thread from being cancelled in its last steps; 1 is "disabled" on Linux.
    unsafe { pthread_setcancelstate(1, &raw mut before) };
    if status == AVX_OK && before == 0 {
        CAME_BACK.fetch_add(1, Ordering::Relaxed);
    }
    null_mut()
}

#[cfg(target_os = "linux")]
#[test]
fn a_cancelled_thread_finishes_its_call() {
    if !is_child() {
        return in_processes("a_cancelled_thread_finishes_its_call", 3, DONE, "");
    }
    let device = open();
    for threads in 1..4 {
        queue_slow_work(&device);
        CAME_BACK.store(0, Ordering::Relaxed);
        let cancelled: Vec<libc::pthread_t> = (0..threads)
            .map(|_| {
                let mut thread = 0;
                // SAFETY: the function takes a device's handle, which is a name.
                let made = unsafe { libc::pthread_create(&raw mut thread, std::ptr::null(), wait_for_device, device.handle.cast()) };
                assert_eq!(made, 0, "pthread_create");
                thread
            })
            .collect();
        std::thread::sleep(Duration::from_millis(20));
        for &thread in &cancelled {
            // SAFETY: the thread was created above and has not been joined.
            unsafe { libc::pthread_cancel(thread) };
        }
        for thread in cancelled {
            // SAFETY: as above; this is the only join.
            assert_eq!(unsafe { libc::pthread_join(thread, null_mut()) }, 0, "pthread_join");
        }
        assert_eq!(CAME_BACK.load(Ordering::Relaxed), threads, "cancelled threads that came back from their calls");
    }
    device.close();
    exit(DONE);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_program_whose_floating_point_traps_can_use_the_library() {
    use std::arch::asm;

    fn mode() -> u32 {
        let mut mode = 0u32;
        // SAFETY: the instruction stores the register to a local.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mode, options(nostack, preserves_flags)) };
        mode & !0x3f
    }

    if !is_child() {
        return in_processes("a_program_whose_floating_point_traps_can_use_the_library", 3, DONE, "");
    }
    // Division by zero, overflow, underflow, inexact and invalid operations trap; denormal numbers are flushed.
    let traps = 0x8040u32;
    // SAFETY: the value has no reserved bit.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const traps, options(nostack, preserves_flags)) };
    let mut device = null_mut();
    ok(abi::create(std::ptr::null(), &mut device));
    let device = Device { handle: device };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
        @compute @workgroup_size(1) fn main() { x[0] = x[1] / x[2]; x[3] = x[4] / 3.0; }",
    );
    let words: Vec<u32> = [0f32, 1.0, 0.0, 0.0, 1.0].iter().map(|x| x.to_bits()).collect();
    let buffer = device.buffer_of_words(&words);
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]);
    let result = device.words(buffer, 4);
    let after = mode();
    device.close();
    let default = 0x1f80u32;
    // SAFETY: as above.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const default, options(nostack, preserves_flags)) };
    assert_eq!(after, traps, "the program's mode after the calls");
    println!("{result:?}");
    exit(DONE);
}

/// The limit of a child also holds for what this process does itself.
#[test]
fn the_end_waits_for_no_kernel_longer_than_its_bound() {
    if !is_child() {
        let name = "the_end_waits_for_no_kernel_longer_than_its_bound";
        return within(LIMIT, name, move || in_processes(name, 1, DONE, ""));
    }
    let device = open();
    for _ in 0..10 {
        queue_slow_work(&device);
    }
    std::mem::forget(device);
    exit(DONE);
}
