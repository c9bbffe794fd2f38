//! Many threads: one device shared by all, where each thread checks its results, and devices that are destroyed while other threads
//! use them.

use crate::common::process::{rerun, within};
use crate::common::random::Random;
use crate::common::*;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(110);

const LCG: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * 1664525u + 1013904223u; }
}";

const COUNT: &str = "@group(0) @binding(0) var<storage, read_write> count: array<atomic<u32>>;
@group(0) @binding(1) var<uniform> add: vec2<u32>;
@compute @workgroup_size(32) fn main() { atomicAdd(&count[add.x], add.y); }";

fn lcg(x: u32) -> u32 {
    x.wrapping_mul(1664525).wrapping_add(1013904223)
}

/// Starts the threads, each with its number, and joins them.
fn all(count: u64, work: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..count).map(|i| (i, &work)).map(|(i, work)| scope.spawn(move || work(i))).collect();
        for handle in handles {
            handle.join().expect("no thread fails");
        }
    });
}

#[test]
fn eight_threads_over_one_device() {
    let Some(device) = Device::open_computing() else { return };
    let device = Arc::new(device);
    let seed = Random::seed(60);
    within(LIMIT, "the stress test", move || {
        let step = Shared(device.kernel(LCG));
        let count = Shared(device.kernel(COUNT));
        let shared = Shared(device.alloc(64, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED));
        let added: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];
        all(8, |thread| {
            let mut random = Random::new(seed + thread);
            let mut buffer = device.buffer_of_words(&[7; 200]);
            let mut model = vec![7u32; 200];
            for round in 0..250 {
                let word = random.index(200);
                match random.below(9) {
                    0 | 1 => {
                        device.dispatch(step.get(), [4, 1, 1], &[arg_buffer(buffer)]);
                        model.iter_mut().for_each(|x| *x = lcg(*x));
                    }
                    2 => {
                        let add = random.word() % 1000;
                        let p = bytes_of(&[u32::try_from(thread).expect("few"), add]);
                        device.dispatch(count.get(), [2, 1, 1], &[arg_buffer(shared.get()), arg_bytes(&p)]);
                        added[thread as usize].fetch_add(u64::from(add) * 64, Ordering::Relaxed);
                    }
                    3 => {
                        let value = random.word();
                        device.write(buffer, word as u64 * 4, &value.to_le_bytes());
                        model[word] = value;
                    }
                    4 => {
                        let value = random.word();
                        device.fill(buffer, word as u64 * 4, (200 - word) as u64 * 4, &value.to_le_bytes());
                        model[word..].fill(value);
                    }
                    5 => {
                        let next = device.alloc(800, [AVX_MEMORY_DEVICE, AVX_MEMORY_READBACK][random.index(2)]);
                        ok(copy((next, 0), (buffer, 0), 800));
                        ok(avx_free(buffer));
                        buffer = next;
                    }
                    6 => {
                        let kernel = device.kernel(LCG);
                        device.dispatch(kernel, [4, 1, 1], &[arg_buffer(buffer)]);
                        model.iter_mut().for_each(|x| *x = lcg(*x));
                        ok(avx_kernel_free(kernel));
                    }
                    7 => device.synchronize(),
                    _ => {
                        let got = device.words(buffer, 200);
                        assert!(got == model, "thread {thread}, round {round}, AVX_GPU_TEST_SEED={seed}");
                    }
                }
            }
            assert!(device.words(buffer, 200) == model, "thread {thread}, the end, AVX_GPU_TEST_SEED={seed}");
            ok(avx_free(buffer));
        });
        let totals: Vec<u32> = added.iter().map(|a| a.load(Ordering::Relaxed) as u32).collect();
        assert_eq!(device.words(shared.get(), 8), totals);
    });
}

#[test]
fn sixty_four_threads_at_once() {
    let Some(device) = Device::open() else { return };
    let device = Arc::new(device);
    within(LIMIT, "64 threads", move || {
        let computes = !device.is_mock();
        all(64, |thread| {
            for round in 0..5 {
                let add = thread * 10 + round;
                let kernel = device.kernel(&LCG.replace("1013904223u", &format!("{add}u")));
                let buffer = device.buffer_of_words(&[thread as u32; 64]);
                device.dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]);
                let got = device.words(buffer, 64);
                let want = (thread as u32).wrapping_mul(1664525).wrapping_add(add as u32);
                assert!(!computes || got == [want; 64], "thread {thread}, round {round}");
                ok(avx_free(buffer));
                ok(avx_kernel_free(kernel));
            }
        });
        device.synchronize();
    });
}

/// Each thread takes several of the few pieces of staging memory. The threads must take turns instead of waiting for each other.
#[test]
fn large_transfers_from_many_threads() {
    let Some(device) = Device::open_computing() else { return };
    let device = Arc::new(device);
    within(LIMIT, "large transfers", move || {
        all(8, |thread| {
            let size = 10 << 20;
            for memory in [AVX_MEMORY_DEVICE, AVX_MEMORY_UPLOAD] {
                let buffer = device.alloc(size, memory);
                let data: Vec<u8> = (0..size).map(|i| (i ^ i >> 9 ^ thread) as u8).collect();
                device.write(buffer, 0, &data);
                let mut got = vec![0; size as usize];
                ok(read(buffer, 0, &mut got));
                assert!(got == data, "thread {thread}");
                ok(avx_free(buffer));
            }
        });
    });
}

#[test]
fn all_threads_compile_the_same_kernel() {
    let Some(device) = Device::open() else { return };
    let device = Arc::new(device);
    within(LIMIT, "parallel compiles", move || {
        all(16, |_| {
            for _ in 0..20 {
                ok(avx_kernel_free(device.kernel(COUNT)));
            }
        });
    });
}

#[test]
fn a_device_may_go_while_others_call() {
    let Some(probe) = Device::open() else { return };
    drop(probe);
    for round in 0..10u64 {
        within(LIMIT, "calls on a device that goes", move || {
            let Some(device) = Device::open() else { return };
            let handle = Shared(device.handle);
            std::mem::forget(device);
            let gone = AtomicBool::new(false);
            let fine = |status: avx_status| {
                assert!(
                    [AVX_OK, AVX_NOT_READY, AVX_TIMEOUT, AVX_ERROR_INVALID_HANDLE].contains(&status),
                    "{}: {}",
                    name(status),
                    last_error()
                );
                status == AVX_ERROR_INVALID_HANDLE
            };
            std::thread::scope(|scope| {
                for thread in 0..8u64 {
                    let (gone, fine) = (&gone, &fine);
                    scope.spawn(move || {
                        let device = handle.get();
                        let mut random = Random::new(round * 100 + thread);
                        let source = c(LCG);
                        loop {
                            let (mut buffer, mut kernel) = (null_mut(), null_mut());
                            if fine(abi::alloc(device, 256, AVX_MEMORY_DEVICE, &mut buffer)) {
                                break;
                            }
                            let mut refused = fine(write(buffer, 0, &[1; 256]));
                            if random.below(2) == 0 {
                                let status = abi::kernel_from_wgsl(device, source.as_ptr(), std::ptr::null(), &mut kernel);
                                refused |= fine(status);
                                if status == AVX_OK {
                                    refused |= fine(dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]));
                                }
                            }
                            refused |= fine(avx_device_synchronize(device, 1_000_000));
                            refused |= fine(read(buffer, 0, &mut [0; 256]));
                            refused |= fine(avx_free(buffer));
                            if refused {
                                break;
                            }
                            assert!(!gone.load(Ordering::SeqCst) || fine(avx_device_synchronize(device, 0)), "a destroyed device answers");
                        }
                    });
                }
                std::thread::sleep(Duration::from_millis(5 * (round % 5)));
                ok(avx_destroy(handle.get()));
                gone.store(true, Ordering::SeqCst);
                fails(avx_destroy(handle.get()), AVX_ERROR_INVALID_HANDLE);
            });
        });
    }
}

#[test]
fn only_one_of_many_destroys() {
    for _ in 0..5 {
        let Some(device) = Device::open() else { return };
        let handle = Shared(device.handle);
        std::mem::forget(device);
        let done = AtomicU64::new(0);
        all(8, |_| match avx_destroy(handle.get()) {
            AVX_OK => {
                done.fetch_add(1, Ordering::Relaxed);
            }
            status => assert!(status == AVX_ERROR_INVALID_HANDLE, "{}", name(status)),
        });
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn several_devices_from_several_threads() {
    if std::env::var_os("AVX_GPU_VALIDATION").is_some() {
        // The layer reads its table of devices without a lock while another thread opens or closes one
        // (https://github.com/KhronosGroup/Vulkan-ValidationLayers/issues/4391).
        rerun("threads::several_devices_from_several_threads", &[("AVX_GPU_VALIDATION", None)]);
        return;
    }
    let Some(probe) = Device::open_computing() else { return };
    drop(probe);
    within(LIMIT, "several devices", || {
        all(4, |thread| {
            for round in 0..5 {
                let Some(device) = Device::open() else { return };
                let kernel = device.kernel(LCG);
                let buffer = device.buffer_of_words(&[thread as u32; 64]);
                for _ in 0..20 {
                    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]);
                }
                let want = (0..20).fold(thread as u32, |x, _| lcg(x));
                assert_eq!(device.words(buffer, 64), [want; 64], "thread {thread}, round {round}");
                device.close();
            }
        });
    });
}

#[test]
fn destroying_waits_for_what_runs_and_frees_it() {
    let Some(probe) = Device::open() else { return };
    drop(probe);
    within(LIMIT, "destroying busy devices", || {
        for _ in 0..10 {
            let Some(device) = Device::open() else { return };
            let kernel = device.kernel(LCG);
            for size in 1..20u64 {
                let buffer = device.alloc(size * 4096, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
                for _ in 0..10 {
                    device.dispatch(kernel, [16, 1, 1], &[arg_buffer(buffer)]);
                }
            }
            let mapped = device.alloc(64, AVX_MEMORY_UPLOAD);
            map(mapped, 0, 0, AVX_MAP_WRITE);
            device.close();
        }
    });
}
