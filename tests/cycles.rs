//! Create, work and destroy, many times: memory, file descriptors and threads end as they began.
//!
//! This test has a binary of its own, because it counts the memory, the threads and the files of the whole process.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{is_child, rerun};
use common::random::number;
use common::*;
use std::fs;

/// The resources that the process holds.
#[derive(Clone, Copy, Debug)]
struct Holding {
    descriptors: usize,
    threads: usize,
    heap: usize,
    resident: usize,
}

fn holding() -> Holding {
    // SAFETY: mallinfo2 only reads the allocator's counts.
    let heap = unsafe { libc::mallinfo2() };
    let pages = fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = pages.split(' ').nth(1).expect("the second number").parse().expect("a number");
    Holding {
        descriptors: fs::read_dir("/proc/self/fd").expect("Linux").count(),
        threads: fs::read_dir("/proc/self/task").expect("Linux").count(),
        heap: heap.uordblks + heap.hblkhd,
        resident: pages * 4096,
    }
}

const KERNEL: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> p: vec4<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) { x[id.x] = id.x + p.x; }";

/// A session that uses each kind of object and makes some errors.
fn cycle(number: u32) -> bool {
    let Some(device) = Device::open() else { return false };
    let kernel = device.kernel(KERNEL);
    let buffer = device.alloc(65536, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let staging = device.alloc(1000, AVX_MEMORY_READBACK);
    let p = bytes_of(&[number, 0, 0, 0]);
    for _ in 0..3 {
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer), arg_bytes(&p)]);
    }
    ok(copy((staging, 0), (buffer, 0), 256));
    let words = device.words(staging, 64);
    assert!(device.is_mock() || words == (number..number + 64).collect::<Vec<u32>>());
    map(staging, 0, 0, AVX_MAP_READ);
    fails(device.try_kernel("fn", None).expect_err("no WGSL"), AVX_ERROR_COMPILE);
    fails(write(buffer, 65536, &[1]), AVX_ERROR_OUT_OF_RANGE);
    // Some objects are freed, and the others are destroyed with the device.
    if number.is_multiple_of(2) {
        ok(avx_free(buffer));
        ok(avx_kernel_free(kernel));
    }
    device.close();
    true
}

/// Waits until the threads of the library and the driver have ended. They may run for a moment after the device is destroyed.
fn settled(want: usize) -> Holding {
    for _ in 0..100 {
        if holding().threads <= want {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    holding()
}

/// Runs in a process of its own, so that no other test's memory is counted.
#[test]
fn counted_cycles() {
    if !is_child() {
        return;
    }
    let Some(device) = Device::open() else { return };
    let default = if device.is_mock() { 1000 } else { 50 };
    let software = device.is_mock() || device.is_cpu();
    drop(device);
    let cycles = u32::try_from(number("AVX_GPU_TEST_CYCLES").unwrap_or(default)).expect("fewer");
    // Some allocations are made once and stay: the caches of the driver, the tables of the library, the arenas of the allocator.
    for i in 0..cycles.min(30) {
        cycle(i);
    }
    let before = holding();
    for i in 0..cycles {
        cycle(i);
    }
    let after = settled(before.threads);
    println!("{cycles} cycles: {before:?} to {after:?}");
    assert!(after.descriptors <= before.descriptors, "file descriptors grew: {before:?} to {after:?}");
    assert!(after.threads <= before.threads, "threads grew: {before:?} to {after:?}");
    // On software drivers this finds a leak of a hundred bytes in each cycle. The drivers of GPU makers keep some memory for each
    // device.
    let (per_cycle, slack) = if software { (100, 16 << 20) } else { (32 << 10, 128 << 20) };
    let heap = (after.heap.saturating_sub(before.heap)) as u64;
    assert!(heap < per_cycle * u64::from(cycles) + 32_768, "the heap grew by {heap} bytes in {cycles} cycles: {before:?} to {after:?}");
    let resident = (after.resident.saturating_sub(before.resident)) as u64;
    assert!(resident < 4096 * u64::from(cycles) + slack, "memory grew by {resident} bytes in {cycles} cycles");
}

#[test]
fn memory_descriptors_and_threads_do_not_grow() {
    // glibc counts the free blocks in its thread caches as used memory. Without these caches the count is exact. The validation
    // layer keeps records of its own.
    let exact = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0";
    let environment = [("MALLOC_ARENA_MAX", Some("1")), ("GLIBC_TUNABLES", Some(exact)), ("AVX_GPU_VALIDATION", None)];
    let said = rerun("counted_cycles", &environment);
    for line in said.lines().filter(|l| l.contains("cycles:")) {
        println!("{line}");
    }
}

#[test]
fn buffers_and_kernels_come_and_go_on_one_device() {
    let Some(device) = Device::open() else { return };
    let usage = || {
        let mut usage = avx_memory_usage::zeroed();
        ok(abi::memory_info(device.handle, &mut usage));
        (usage.used, usage.buffer_count, usage.held)
    };
    let round = || {
        for size in [1u64, 100, 5000, 70_000, 3 << 20] {
            for kind in [AVX_MEMORY_DEVICE, AVX_MEMORY_UPLOAD, AVX_MEMORY_READBACK] {
                let buffer = device.alloc(size, kind);
                device.fill(buffer, 0, size, &[1]);
                ok(avx_free(buffer));
            }
        }
        ok(avx_kernel_free(device.kernel(KERNEL)));
        device.synchronize();
    };
    round();
    let (used, count, reserved) = usage();
    for _ in 0..50 {
        round();
    }
    let after = usage();
    assert_eq!((after.0, after.1), (used, count));
    assert!(after.2 <= reserved + (64 << 20), "reserved memory grew from {reserved} to {}", after.2);
}
