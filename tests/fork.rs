//! A forked child of a process that used the library gets an error code and never hangs. The parent works on.
//!
//! This test has a binary of its own, because a fork copies the whole process, and threads of other tests could hold locks in the
//! copy.
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::*;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

/// The result of a child: 0 if all calls returned AVX_ERROR_FORKED, else the number of the first call that did not.
fn child_calls(device: avx_device, buffer: avx_buffer, kernel: avx_kernel) -> i32 {
    let (mut other, mut count, mut fresh) = (null_mut(), 0, null_mut());
    let mut data = [0; 4];
    let statuses = [
        abi::create(std::ptr::null(), &mut other),
        abi::device_count(&mut count),
        abi::alloc(device, 4, AVX_MEMORY_DEVICE, &mut fresh),
        write(buffer, 0, &[1, 2, 3, 4]),
        read(buffer, 0, &mut data),
        dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]),
        avx_device_synchronize(device, AVX_FOREVER),
        avx_free(buffer),
        avx_kernel_free(kernel),
        avx_destroy(device),
    ];
    for (number, status) in (1..).zip(statuses) {
        if status != AVX_ERROR_FORKED {
            return number;
        }
    }
    // These three functions need nothing that is lost in a fork.
    let message = last_error();
    if avx_version() == 0 || name(AVX_OK) != "AVX_OK" || !message.to_lowercase().contains("fork") {
        return 100;
    }
    0
}

/// Forks, runs `work` in the child and returns its result. Panics if the child hangs or crashes.
fn in_a_child(work: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child calls the library, which answers without locks there, and leaves by _exit, without running the parent's
    // destructors.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(101);
        // SAFETY: _exit ends the child at once.
        unsafe { libc::_exit(code) };
    }
    let start = Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: `status` is writable and `child` is our own.
        let done = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        if done == child {
            assert!(libc::WIFEXITED(status), "the child died of signal {}", libc::WTERMSIG(status));
            return libc::WEXITSTATUS(status);
        }
        if start.elapsed() > Duration::from_secs(30) {
            // SAFETY: `child` is our own and has not been waited for.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("the forked child hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// There is only one test, because a fork copies the process in the middle of whatever its other tests do.
#[test]
fn a_forked_child_is_told_and_the_parent_works_on() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> x: array<u32>; @compute @workgroup_size(1) fn main() { x[0] = x[0] + 1u; }",
    );
    let buffer = device.buffer_of_words(&[41]);
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]);
    for _ in 0..3 {
        let code = in_a_child(|| child_calls(device.handle, buffer, kernel));
        assert!(code == 0, "in the child, call {code} did not return AVX_ERROR_FORKED");
    }
    let computes = !device.is_mock();
    assert!(!computes || device.words(buffer, 1) == [42], "the parent's buffer changed");
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]);
    assert!(!computes || device.words(buffer, 1) == [43], "the parent does not work after the fork");
    device.close();
    // The calls also fail in this way when no device is open any more.
    let code = in_a_child(|| child_calls(null_mut(), buffer, kernel).min(3));
    assert!([0, 3].contains(&code), "in the child of a process without devices, call {code} did not return AVX_ERROR_FORKED");
}
