//! Work that a program queues without ever waiting: reads and writes of which more are in flight than any fixed set of staging chunks
//! holds. No call may wait for a later call of the same program.

use crate::common::process::within;
use crate::common::*;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(110);

const STEP: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(1) fn main() { x[0] += 1u; }";

/// Runs for a while and changes nothing, which no compiler can know. The number of rounds is a parameter.
const SLOW: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> rounds: vec4<u32>;
@compute @workgroup_size(1) fn main() {
    var v = x[0];
    for (var i = 0u; i < rounds.x; i++) { v = v * 1664525u + (v >> 7u); }
    if (v == rounds.y && rounds.z == 1u) { x[0] = v; }
}";

#[track_caller]
fn read_later(stream: avx_stream, buffer: avx_buffer, into: &mut [u8]) {
    ok(abi::read_async(stream, buffer, 0, into.as_mut_ptr().cast(), into.len() as u64));
}

/// Queues work behind a slow kernel. True if the kernel still ran when the last call had returned, so that none can have waited for it.
/// The kernel is made slower as long as that is not so, because the machine may be busy.
fn returns_before(device: &Device, slowed: avx_buffer, mut queue: impl FnMut()) -> bool {
    let (kernel, event) = (device.kernel(SLOW), device.event());
    // A software driver cuts loops off at 65,536 rounds, and runs one workgroup after the other.
    let shape = |scale: u32| if device.is_cpu() { (scale, 60_000) } else { (1, scale.saturating_mul(60_000)) };
    let run = |scale: u32| {
        let (start, (groups, rounds)) = (Instant::now(), shape(scale));
        ok(dispatch_on(null_mut(), kernel, [groups, 1, 1], &[arg_buffer(slowed), arg_bytes(&bytes_of(&[rounds, 0, 0, 0]))]));
        ok(avx_event_record(null_mut(), event));
        start
    };
    let mut scale = 16;
    // NVIDIA's driver loses a device whose kernel holds up the work of other devices for many seconds, so the kernel takes some two seconds
    // at most.
    while {
        let start = run(scale);
        ok(avx_event_wait(event, AVX_FOREVER));
        start.elapsed() < Duration::from_millis(700) && scale < 32 << 10
    } {
        scale *= 2;
    }
    (0..4).any(|attempt| {
        run(scale);
        queue();
        let status = avx_event_status(event);
        ok(avx_device_synchronize(device.handle, AVX_FOREVER));
        if attempt == 0 {
            scale = (scale * 2).min(60_000);
        }
        assert!([AVX_OK, AVX_NOT_READY].contains(&status), "{}", name(status));
        status == AVX_NOT_READY
    })
}

#[test]
fn any_number_of_reads_needs_no_wait() {
    let Some(device) = Device::open_computing() else { return };
    within(LIMIT, "reads without a wait", move || {
        let kernel = device.kernel(STEP);
        for (count, size) in [(65, 4), (3000, 4), (1000, 3000), (200, 64 << 10), (100, (64 << 10) + 4)] {
            let buffer = device.alloc(size as u64, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
            let mut got = vec![0xEE; count * size];
            for into in got.chunks_mut(size) {
                device.dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]);
                read_later(null_mut(), buffer, into);
            }
            ok(avx_device_synchronize(device.handle, AVX_FOREVER));
            for (i, got) in got.chunks(size).enumerate() {
                let (first, rest) = got.split_at(4);
                assert_eq!(words_of(first), [i as u32 + 1], "read {i} of {count} with {size} bytes");
                assert!(rest.iter().all(|&byte| byte == 0), "read {i} of {count} with {size} bytes");
            }
            ok(avx_free(buffer));
        }
    });
}

#[test]
fn reads_over_many_streams_need_no_wait() {
    let Some(device) = Device::open_computing() else { return };
    within(LIMIT, "reads over many streams", move || {
        let lanes: Vec<_> = (0..100).map(|i| (device.stream(), device.buffer_of_words(&[i; 25]))).collect();
        let mut got = vec![0; 100 * 100 * 4];
        for (i, into) in got.chunks_mut(100).enumerate() {
            let (stream, buffer) = lanes[i % 100];
            read_later(stream, buffer, into);
        }
        for (stream, _) in &lanes {
            ok(avx_stream_synchronize(*stream, AVX_FOREVER));
        }
        for (i, got) in got.chunks(100).enumerate() {
            assert_eq!(words_of(got), [i as u32 % 100; 25]);
        }
    });
}

#[test]
fn reads_in_flight_leave_other_threads_their_reads() {
    let Some(device) = Device::open_computing() else { return };
    within(LIMIT, "a read beside reads in flight", move || {
        let buffer = Shared(device.buffer_of_words(&[5; 64]));
        let mut got = vec![0; 64 * 256];
        for into in got.chunks_mut(256) {
            read_later(null_mut(), buffer.get(), into);
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let stream = device.stream();
                    for _ in 0..20 {
                        assert_eq!(device.words(buffer.get(), 64), [5; 64]);
                        // Where the CPU sees the memory, only a read that is delivered later takes staging memory.
                        let mut later = vec![0; 256];
                        read_later(stream, buffer.get(), &mut later);
                        ok(avx_stream_synchronize(stream, AVX_FOREVER));
                        assert_eq!(words_of(&later), [5; 64]);
                    }
                });
            }
        });
        ok(avx_device_synchronize(device.handle, AVX_FOREVER));
        assert_eq!(words_of(&got), [5; 64 * 64]);
    });
}

/// A program may ask for the same words again and again, and looks at them after one wait.
#[test]
fn of_two_reads_into_the_same_memory_the_later_one_stays() {
    let Some(device) = Device::open_computing() else { return };
    within(LIMIT, "reads into the same memory", move || {
        let kernel = device.kernel(STEP);
        let buffer = device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        let mut got = vec![0; 256];
        let mut count = 0;
        std::thread::scope(|scope| {
            let other = device.buffer_of_words(&[1; 64]);
            let (other, device) = (Shared(other), &device);
            // Another thread's waits deliver as well.
            let reader = scope.spawn(move || (0..200).for_each(|_| assert_eq!(device.words(other.get(), 64), [1; 64])));
            while !reader.is_finished() || count < 2000 {
                for _ in 0..50 {
                    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]);
                    read_later(null_mut(), buffer, &mut got);
                    count += 1;
                }
                ok(avx_device_synchronize(device.handle, AVX_FOREVER));
                assert_eq!(words_of(&got)[0], count);
            }
        });
    });
}

#[test]
fn reads_behind_a_slow_kernel_return_at_once() {
    let Some(device) = Device::open_computing() else { return };
    within(LIMIT, "reads behind a slow kernel", move || {
        let buffer = device.buffer_of_words(&[7; 4096]);
        let mut got = vec![0; 500 * 4096];
        let read = || got.chunks_mut(4096).for_each(|into| read_later(null_mut(), buffer, into));
        assert!(returns_before(&device, buffer, read), "500 reads waited for the kernel");
        assert!(words_of(&got).iter().all(|&word| word == 7));
    });
}

#[test]
fn asynchronous_writes_behind_a_slow_kernel_return_at_once() {
    let Some(device) = Device::open_computing() else { return };
    within(LIMIT, "writes behind a slow kernel", move || {
        // More than the chunks of the ring hold, in one write and in many.
        let size = 8 << 20;
        let buffer = device.alloc(size, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        let memory: Vec<u8> = (0..size as u32).map(|i| (i ^ i >> 9) as u8).collect();
        let write = || {
            for _ in 0..16 {
                ok(abi::write_async(null_mut(), buffer, 0, memory.as_ptr().cast(), size));
            }
        };
        assert!(returns_before(&device, buffer, write), "128 MiB of writes waited for the kernel");
        assert!(device.read(buffer, 0, size as usize) == memory);
        ok(avx_device_trim(device.handle));
        write();
        assert!(device.read(buffer, 0, size as usize) == memory);
    });
}

/// Where the driver never tells that anything is done, a call that waits for the device would hang.
#[test]
fn the_null_driver_takes_reads_and_writes_without_end() {
    let Some(device) = Device::open() else { return };
    within(LIMIT, "transfers of which none is done", move || {
        let size = 1 << 20;
        let buffer = device.alloc(size, AVX_MEMORY_DEVICE);
        let memory = vec![1; size as usize];
        let mut got = vec![0; size as usize];
        for _ in 0..150 {
            ok(abi::read_async(null_mut(), buffer, 0, got.as_mut_ptr().cast(), 100));
            ok(abi::read_async(null_mut(), buffer, 0, got.as_mut_ptr().cast(), size));
            ok(abi::write_async(null_mut(), buffer, 0, memory.as_ptr().cast(), size));
        }
        // This delivers into `got`.
        device.close();
    });
}
