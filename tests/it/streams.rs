//! Streams and events: order within a stream and between streams, waits, timing. Also reads that are delivered later, and
//! registered memory.

use crate::common::process::within;
use crate::common::*;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::time::{Duration, Instant};

const STEP: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * 1664525u + 1013904223u; }
}";

/// Runs for a while: the number of rounds over each word is a parameter.
const SLOW: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> rounds: vec4<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < arrayLength(&x)) {
        var v = x[id.x];
        // No compiler can shorten this loop.
        for (var i = 0u; i < rounds.x; i++) { v = v * 1664525u + (v >> 7u); }
        x[id.x] = v;
    }
}";

const COUNT: &str = "@group(0) @binding(0) var<storage, read_write> count: array<atomic<u32>>;
@compute @workgroup_size(64) fn main() { atomicAdd(&count[0], 1u); }";

fn step(x: u32) -> u32 {
    x.wrapping_mul(1664525).wrapping_add(1013904223)
}

fn steps(x: u32, count: usize) -> u32 {
    (0..count).fold(x, |x, _| step(x))
}

#[test]
fn streams_are_ordered_by_what_they_touch() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(STEP);
    let streams: Vec<avx_stream> = (0..5).map(|_| device.stream()).collect();
    let start: Vec<u32> = (0..1000).collect();
    let buffer = device.buffer_of_words(&start);
    for i in 0..200 {
        ok(dispatch_on(streams[i % 5], kernel, [16, 1, 1], &[arg_buffer(buffer)]));
    }
    let mut got = vec![0; 4000];
    ok(read_on(streams[3], buffer, 0, &mut got));
    let want: Vec<u32> = start.iter().map(|&x| steps(x, 200)).collect();
    assert!(words_of(&got) == want);
    streams.into_iter().for_each(|stream| ok(avx_stream_free(stream)));
}

#[test]
fn disjoint_halves_and_a_reader_of_both() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(STEP);
    let (a, b, c) = (device.stream(), device.stream(), device.stream());
    let buffer = device.buffer_of_words(&[7; 1024]);
    let copied = device.alloc(4096, AVX_MEMORY_DEVICE);
    for round in 1..=30 {
        ok(dispatch_on(a, kernel, [8, 1, 1], &[arg_range(buffer, 0, 2048)]));
        ok(dispatch_on(b, kernel, [8, 1, 1], &[arg_range(buffer, 2048, 2048)]));
        ok(avx_copy(c, copied, 0, buffer, 0, 4096));
        assert_eq!(device.words(copied, 1024), vec![steps(7, round); 1024], "round {round}");
    }
}

#[test]
fn a_stream_tells_when_it_is_done() {
    let Some(device) = Device::open() else { return };
    let stream = device.stream();
    ok(avx_stream_status(stream));
    ok(avx_stream_synchronize(stream, 0));
    ok(avx_stream_flush(stream));
    let buffer = device.alloc(1 << 20, AVX_MEMORY_DEVICE);
    ok(fill_on(stream, buffer, 0, 1 << 20, &[3]));
    ok(avx_stream_synchronize(stream, AVX_FOREVER));
    ok(avx_stream_status(stream));
    fails(avx_stream_status(null_mut()), AVX_ERROR_INVALID_HANDLE);
    let mut default = null_mut();
    ok(abi::default_stream(device.handle, &mut default));
    fails(avx_stream_free(default), AVX_ERROR_INVALID_ARGUMENT);
    ok(avx_stream_free(null_mut()));
    ok(avx_stream_free(stream));
    fails(avx_stream_free(stream), AVX_ERROR_INVALID_HANDLE);
    fails(fill_on(stream, buffer, 0, 4, &[3]), AVX_ERROR_INVALID_HANDLE);
    let wrong = avx_stream_options { flags: 1, ..avx_stream_options::zeroed() };
    let mut none = null_mut();
    fails(abi::stream_create(device.handle, &wrong, &mut none), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::stream_create(device.handle, null(), null_mut()), AVX_ERROR_INVALID_ARGUMENT);
}

#[test]
fn a_stream_of_another_device_is_refused() {
    let (Some(device), Some(other)) = (Device::open(), Device::open()) else { return };
    let stream = other.stream();
    let buffer = device.alloc(64, AVX_MEMORY_DEVICE);
    fails(write_on(stream, buffer, 0, &[1]), AVX_ERROR_INVALID_HANDLE);
    let event = device.event();
    fails(avx_event_record(stream, event), AVX_ERROR_INVALID_HANDLE);
    fails(avx_stream_wait_event(stream, event), AVX_ERROR_INVALID_HANDLE);
}

#[test]
fn unordered_atomics_of_many_streams_all_count() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(COUNT);
    let count = device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let streams: Vec<avx_stream> = (0..4).map(|_| device.stream()).collect();
    let arg = [avx_arg { flags: AVX_ARG_FLAG_UNORDERED, ..arg_buffer(count) }];
    for i in 0..200 {
        ok(dispatch_on(streams[i % 4], kernel, [2, 1, 1], &arg));
    }
    assert_eq!(device.words(count, 1), [200 * 128]);
}

#[test]
fn events_pass_with_their_streams() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(SLOW);
    let (stream, other) = (device.stream(), device.stream());
    let (start, end) = (device.event(), device.event());
    ok(avx_event_status(start));
    let mut nanoseconds = 77;
    fails(abi::event_elapsed(start, end, &mut nanoseconds), AVX_ERROR_INVALID_ARGUMENT);
    assert_eq!(nanoseconds, 77);
    let buffer = device.buffer_of_words(&[1; 4096]);
    let rounds = bytes_of(&[if device.is_cpu() { 20_000 } else { 10_000_000 }, 0, 0, 0]);
    // Other tests of this process open and close devices, and drivers hold locks of the whole process meanwhile: the questions may come
    // late. Each attempt asks all three while the kernels run, if they still do.
    let seen = (0..10).any(|_| {
        ok(avx_event_record(stream, start));
        for _ in 0..4 {
            ok(dispatch_on(stream, kernel, [64, 1, 1], &[arg_buffer(buffer), arg_bytes(&rounds)]));
        }
        ok(avx_event_record(stream, end));
        let statuses = [avx_event_wait(end, 0), avx_event_status(end), avx_stream_status(stream)];
        assert!(statuses.iter().all(|status| [AVX_OK, AVX_NOT_READY].contains(status)), "{statuses:?}");
        statuses == [AVX_NOT_READY; 3]
    });
    assert!(seen, "four such kernels take longer than three questions");
    // The other stream waits for the event, although the streams share no bytes.
    let apart = device.buffer_of_words(&[5; 64]);
    ok(avx_stream_wait_event(other, end));
    ok(fill_on(other, apart, 0, 256, &[9]));
    ok(avx_stream_synchronize(other, AVX_FOREVER));
    ok(avx_event_status(end));
    ok(avx_event_wait(end, 0));
    match abi::event_elapsed(start, end, &mut nanoseconds) {
        AVX_OK => assert!(nanoseconds > 1000 && nanoseconds < 60_000_000_000, "{nanoseconds} ns"),
        status => assert_eq!(status, AVX_ERROR_UNSUPPORTED),
    }
    ok(avx_event_free(start));
    fails(avx_event_free(start), AVX_ERROR_INVALID_HANDLE);
    ok(avx_event_free(null_mut()));
}

#[test]
fn the_first_of_several_events() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(SLOW);
    let (slow, fast) = (device.stream(), device.stream());
    let events = [device.event(), device.event()];
    let buffer = device.buffer_of_words(&[1; 4096]);
    let rounds = bytes_of(&[if device.is_cpu() { 20_000 } else { 10_000_000 }, 0, 0, 0]);
    ok(avx_event_record(slow, events[1]));
    ok(avx_event_wait(events[1], AVX_FOREVER));
    let mut index = 9;
    // The questions may come late, as in the test above.
    let seen = (0..10).any(|_| {
        for _ in 0..4 {
            ok(dispatch_on(slow, kernel, [64, 1, 1], &[arg_buffer(buffer), arg_bytes(&rounds)]));
        }
        ok(avx_event_record(slow, events[0]));
        ok(abi::event_wait_any(events.as_ptr(), 2, AVX_FOREVER, &mut index));
        let (first, status) = (index, abi::event_wait_any(events.as_ptr(), 1, 1000, &mut index));
        assert!([AVX_OK, AVX_TIMEOUT].contains(&status), "{}", name(status));
        first == 1 && status == AVX_TIMEOUT
    });
    assert!(seen, "the event that has passed is the first, and the other one takes longer than a microsecond");
    ok(abi::event_wait_any(events.as_ptr(), 1, AVX_FOREVER, &mut index));
    assert_eq!(index, 0);
    ok(avx_event_record(fast, events[1]));
    ok(abi::event_wait_any(events.as_ptr(), 2, AVX_FOREVER, &mut index));
    fails(abi::event_wait_any(events.as_ptr(), 0, 0, &mut index), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::event_wait_any(null(), 1, 0, &mut index), AVX_ERROR_INVALID_ARGUMENT);
}

#[test]
fn many_threads_wait_for_events_of_their_own() {
    let Some(device) = Device::open_computing() else { return };
    let device = Arc::new(device);
    within(Duration::from_secs(100), "a thousand waits", move || {
        let kernel = Shared(device.kernel(STEP));
        std::thread::scope(|scope| {
            for thread in 0..64u32 {
                let device = &device;
                scope.spawn(move || {
                    let (stream, event) = (device.stream(), device.event());
                    let buffer = device.buffer_of_words(&[thread; 64]);
                    for round in 1..=16 {
                        ok(dispatch_on(stream, kernel.get(), [1, 1, 1], &[arg_buffer(buffer)]));
                        ok(avx_event_record(stream, event));
                        ok(avx_event_wait(event, AVX_FOREVER));
                        let mut got = vec![0; 256];
                        ok(read_on(stream, buffer, 0, &mut got));
                        assert_eq!(words_of(&got), vec![steps(thread, round); 64]);
                    }
                    ok(avx_event_free(event));
                    ok(avx_stream_free(stream));
                });
            }
        });
    });
}

/// Whether held-back work runs although no call asks for it: ten dispatches are queued on a stream, the program does `something_else` for
/// some time, and then the event behind the dispatches has passed. A loaded machine may give the device no time, so a failed attempt is
/// followed by one that lasts twice as long.
fn held_back_work_runs_during(device: &Device, something_else: impl Fn(Duration)) {
    let kernel = device.kernel(STEP);
    let (stream, event) = (device.stream(), device.event());
    let buffer = device.buffer_of_words(&[1; 64]);
    let mut time = Duration::from_millis(300);
    loop {
        for _ in 0..10 {
            ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_buffer(buffer)]));
        }
        ok(avx_event_record(stream, event));
        something_else(time);
        // No call before this one could have run the work.
        match avx_event_status(event) {
            AVX_OK => break,
            AVX_NOT_READY => assert!(time < Duration::from_secs(8), "the work has not run in {time:?}"),
            status => panic!("{}: {}", name(status), last_error()),
        }
        ok(avx_event_wait(event, AVX_FOREVER));
        time *= 2;
    }
}

#[test]
fn held_back_work_runs_while_the_program_does_something_else() {
    let Some(device) = Device::open_computing() else { return };
    held_back_work_runs_during(&device, std::thread::sleep);
}

#[test]
fn held_back_work_runs_beside_a_stream_that_is_never_done() {
    let Some(device) = Device::open_computing() else { return };
    if device.is_cpu() && std::env::var("AVX_GPU_QUEUES").is_err() {
        // With one queue, both streams share one batch.
        return;
    }
    let (busy, filled) = (device.stream(), device.buffer_of_words(&[1; 64]));
    held_back_work_runs_during(&device, |time| {
        let start = Instant::now();
        while start.elapsed() < time {
            ok(fill_on(busy, filled, 0, 4, &[9]));
            let next = Instant::now() + Duration::from_micros(20);
            while Instant::now() < next {
                // A software driver needs the CPU too.
                std::thread::yield_now();
            }
        }
    });
}

#[test]
fn reads_are_delivered_with_the_wait() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(STEP);
    let stream = device.stream();
    for count in [16usize, 4096, 60_000, 1 << 20] {
        let start: Vec<u32> = (0..count as u32).collect();
        let buffer = device.buffer_of_words(&start);
        let (mut first, mut second) = (vec![0xEE_u8; count * 4], vec![0xEE_u8; count * 4]);
        let event = device.event();
        ok(abi::read_async(stream, buffer, 0, first.as_mut_ptr().cast(), count as u64 * 4));
        ok(avx_event_record(stream, event));
        ok(dispatch_on(stream, kernel, [(count as u32).div_ceil(64), 1, 1], &[arg_buffer(buffer)]));
        ok(abi::read_async(stream, buffer, 0, second.as_mut_ptr().cast(), count as u64 * 4));
        ok(avx_event_wait(event, AVX_FOREVER));
        assert!(words_of(&first) == start, "{count}");
        ok(avx_stream_synchronize(stream, AVX_FOREVER));
        let want: Vec<u32> = start.iter().map(|&x| step(x)).collect();
        assert!(words_of(&second) == want, "{count}");
        ok(avx_free(buffer));
    }
    let buffer = device.alloc(64, AVX_MEMORY_DEVICE);
    ok(abi::read_async(stream, buffer, 64, null_mut(), 0));
    fails(abi::read_async(stream, buffer, 0, null_mut(), 4), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::write_async(stream, buffer, 61, [0u8; 4].as_ptr().cast(), 4), AVX_ERROR_OUT_OF_RANGE);
}

#[test]
fn destroying_delivers_what_is_left() {
    let Some(device) = Device::open_computing() else { return };
    let buffer = device.buffer_of(&[42; 1000]);
    let mut got = vec![0u8; 1000];
    ok(abi::read_async(null_mut(), buffer, 0, got.as_mut_ptr().cast(), 1000));
    device.close();
    assert!(got == [42; 1000]);
}

#[test]
fn registered_memory_goes_both_ways() {
    let Some(device) = Device::open_computing() else { return };
    let size = 3 << 20;
    let mut memory: Vec<u8> = (0..size).map(|i: usize| (i ^ i >> 8) as u8).collect();
    match abi::host_register(device.handle, memory.as_mut_ptr().cast(), size as u64, 0) {
        AVX_OK => {}
        AVX_ERROR_UNSUPPORTED => return skip(&last_error()),
        status => panic!("{}: {}", name(status), last_error()),
    }
    let inside = memory[100..].as_mut_ptr();
    fails(abi::host_register(device.handle, inside.cast(), 50, 0), AVX_ERROR_INVALID_ARGUMENT);
    let (buffer, stream) = (device.alloc(size as u64, AVX_MEMORY_DEVICE), device.stream());
    let want = memory.clone();
    ok(abi::write_async(stream, buffer, 0, memory.as_ptr().cast(), size as u64));
    ok(avx_stream_synchronize(stream, AVX_FOREVER));
    memory.fill(0);
    ok(abi::read_async(stream, buffer, 1000, inside.cast(), 2 << 20));
    ok(avx_stream_synchronize(stream, AVX_FOREVER));
    assert!(memory[100..100 + (2 << 20)] == want[1000..1000 + (2 << 20)]);
    assert!(memory[..100] == [0; 100]);
    ok(read_on(stream, buffer, 0, &mut memory));
    assert!(memory == want);
    ok(avx_host_unregister(device.handle, memory.as_mut_ptr().cast()));
    fails(avx_host_unregister(device.handle, memory.as_mut_ptr().cast()), AVX_ERROR_INVALID_ARGUMENT);
    ok(avx_device_trim(device.handle));
    assert!(device.read(buffer, 0, size) == want);
}

#[test]
fn indirect_counts_come_from_the_device() {
    let Some(device) = Device::open_computing() else { return };
    let write_counts = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> c: array<u32>;
        @compute @workgroup_size(1) fn main() { c[64] = 3u; c[65] = 2u; c[66] = 1u; }",
    );
    let count = device.kernel(COUNT);
    let (counts, total) = (device.alloc(1024, AVX_MEMORY_DEVICE), device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED));
    let stream = device.stream();
    ok(dispatch_on(stream, write_counts, [1, 1, 1], &[arg_buffer(counts)]));
    let args = [arg_buffer(total)];
    ok(abi::dispatch_indirect(stream, count, counts, 256, args.as_ptr(), 1));
    // The other stream changes the counts after they have been read.
    ok(fill_on(null_mut(), counts, 0, 1024, &[0]));
    ok(abi::dispatch_indirect(null_mut(), count, counts, 256, args.as_ptr(), 1));
    assert_eq!(device.words(total, 1), [6 * 64]);
    fails(abi::dispatch_indirect(stream, count, counts, 1014, args.as_ptr(), 1), AVX_ERROR_OUT_OF_RANGE);
    fails(abi::dispatch_indirect(stream, count, counts, 2, args.as_ptr(), 1), AVX_ERROR_ARGUMENTS);
    fails(abi::dispatch_indirect(stream, count, null_mut(), 0, args.as_ptr(), 1), AVX_ERROR_INVALID_HANDLE);
}

#[test]
fn waits_can_block_without_spinning() {
    let no_cache = c("");
    let options =
        avx_device_options { cache_dir: no_cache.as_ptr(), spin_us: AVX_SPIN_NEVER, copy_threads: 3, ..avx_device_options::zeroed() };
    let Some(device) = Device::open_with(&options) else { return };
    if device.is_mock() {
        return;
    }
    let data: Vec<u8> = (0..20 << 20).map(|i: u32| (i ^ i >> 9) as u8).collect();
    let buffer = device.buffer_of(&data);
    let start = Instant::now();
    assert!(device.read(buffer, 0, data.len()) == data);
    assert!(start.elapsed() < Duration::from_secs(60));
}
