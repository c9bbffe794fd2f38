//! Graphs: recorded once, launched with values, together with other work and with other launches of the same graph.

use crate::common::process::within;
use crate::common::*;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::time::Duration;

const STEP: &str = "struct P { a: u32, c: u32 }
@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> p: P;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * p.a + p.c; }
}";

const PUSHED: &str = "struct P { a: u32, c: u32 }
var<immediate> p: P;
@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * p.a + p.c; }
}";

const COUNT: &str = "@group(0) @binding(0) var<storage, read_write> count: array<atomic<u32>>;
@compute @workgroup_size(64) fn main() { atomicAdd(&count[0], 1u); }";

fn apply(x: u32, (a, c): (u32, u32)) -> u32 {
    x.wrapping_mul(a).wrapping_add(c)
}

#[test]
fn a_graph_without_slots_runs_again_and_again() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(STEP);
    let (buffer, copied) = (device.buffer_of_words(&[1; 256]), device.alloc(1024, AVX_MEMORY_DEVICE));
    let p = bytes_of(&[5, 3]);
    let graph = device.graph(|stream| {
        for _ in 0..10 {
            ok(dispatch_on(stream, kernel, [4, 1, 1], &[arg_buffer(buffer), arg_bytes(&p)]));
        }
        ok(avx_copy(stream, copied, 0, buffer, 0, 512));
        ok(fill_on(stream, copied, 512, 512, &[7]));
    });
    // The graph keeps the kernels and buffers that it uses alive.
    ok(avx_kernel_free(kernel));
    let mut want = 1;
    for round in 0..20 {
        ok(launch(null_mut(), graph, &[]));
        want = (0..10).fold(want, |x, _| apply(x, (5, 3)));
        if round % 5 == 0 {
            assert_eq!(device.words(copied, 256), [vec![want; 128], vec![0x0707_0707; 128]].concat());
        }
    }
    assert_eq!(device.words(buffer, 256), vec![want; 256]);
    ok(launch(null_mut(), graph, &[]));
    ok(avx_graph_free(graph));
    fails(launch(null_mut(), graph, &[]), AVX_ERROR_INVALID_HANDLE);
    fails(avx_graph_free(graph), AVX_ERROR_INVALID_HANDLE);
    ok(avx_graph_free(null_mut()));
    assert_eq!(device.words(buffer, 1), [(0..10).fold(want, |x, _| apply(x, (5, 3)))], "the launch before went on");
}

#[test]
fn launches_are_ordered_with_the_work_around_them() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(STEP);
    let (a, b) = (device.stream(), device.stream());
    let buffer = device.buffer_of_words(&[1; 64]);
    let args = |p: &[u8]| [arg_buffer(buffer), arg_bytes(p)];
    let (p, q) = (bytes_of(&[5, 3]), bytes_of(&[7, 1]));
    let graph = device.graph(|stream| ok(dispatch_on(stream, kernel, [1, 1, 1], &args(&p))));
    let mut want = 1;
    for _ in 0..50 {
        ok(dispatch_on(a, kernel, [1, 1, 1], &args(&q)));
        ok(launch(b, graph, &[]));
        ok(launch(a, graph, &[]));
        ok(dispatch_on(b, kernel, [1, 1, 1], &args(&q)));
        want = apply(apply(apply(apply(want, (7, 1)), (5, 3)), (5, 3)), (7, 1));
    }
    assert_eq!(device.words(buffer, 64), vec![want; 64]);
}

#[test]
fn values_of_each_kind_are_taken_at_the_launch() {
    let Some(device) = Device::open_computing() else { return };
    for source in [STEP, PUSHED] {
        let kernel = device.kernel(source);
        let count = device.kernel(COUNT);
        let buffers = [device.buffer_of_words(&[1; 256]), device.buffer_of_words(&[2; 256])];
        let rows = device.buffer_of_words(&[0; 64 * 8]);
        let total = device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        // Slot 0: a buffer. 1: constants. 2: an offset. 3: workgroups.
        let graph = device.graph(|stream| {
            ok(dispatch_on(stream, kernel, [4, 1, 1], &[arg_param(0), arg_param(1)]));
            ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_param_offset(2, rows, 0, 256), arg_param(1)]));
            let args = [arg_buffer(total)];
            ok(abi::dispatch_slot(stream, count, 3, args.as_ptr(), 1));
        });
        let (mut words, mut row, mut counted) = ([1u32, 2], [0u32; 8], 0);
        for i in 0..40u32 {
            let (which, at, groups) = (i as usize % 2, i as u64 % 8, i % 3);
            let constants = (i | 1, i / 3);
            let p = bytes_of(&[constants.0, constants.1]);
            let offset = (at * 256).to_le_bytes();
            let grid = bytes_of(&[groups, 2, 1]);
            ok(launch(null_mut(), graph, &[arg_buffer(buffers[which]), arg_bytes(&p), arg_bytes(&offset), arg_bytes(&grid)]));
            words[which] = apply(words[which], constants);
            row[at as usize] = apply(row[at as usize], constants);
            counted += groups * 2 * 64;
        }
        assert_eq!(device.words(buffers[0], 256), vec![words[0]; 256]);
        assert_eq!(device.words(buffers[1], 256), vec![words[1]; 256]);
        let want: Vec<u32> = row.iter().flat_map(|&r| vec![r; 64]).collect();
        assert_eq!(device.words(rows, 512), want);
        assert_eq!(device.words(total, 1), [counted]);
    }
}

#[test]
fn placed_slots_and_one_slot_for_many() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(STEP);
    let buffer = device.buffer_of_words(&[1; 64]);
    let placed = at(0, 0, arg_param(1));
    let constants = at(0, 1, arg_param(0));
    let graph = device.graph(|stream| {
        for _ in 0..30 {
            ok(dispatch_on(stream, kernel, [1, 1, 1], &[constants, placed]));
        }
    });
    let mut want = 1;
    for i in 1..20 {
        let p = bytes_of(&[i, 5]);
        ok(launch(null_mut(), graph, &[arg_bytes(&p), arg_buffer(buffer)]));
        want = (0..30).fold(want, |x, _| apply(x, (i, 5)));
    }
    assert_eq!(device.words(buffer, 64), vec![want; 64]);
}

#[test]
fn a_slot_that_the_graph_does_not_use_takes_nothing() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(STEP);
    let buffer = device.buffer_of_words(&[1; 64]);
    let p = bytes_of(&[3, 4]);
    let graph = device.graph(|stream| ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_param(2), arg_param(0)])));
    let none = avx_arg { kind: AVX_ARG_NONE, ..arg_range(null_mut(), 0, 0) };
    ok(launch(null_mut(), graph, &[arg_bytes(&p), none, arg_buffer(buffer)]));
    assert_eq!(device.words(buffer, 64), vec![7; 64]);
    tells(&fails(launch(null_mut(), graph, &[none, none, arg_buffer(buffer)]), AVX_ERROR_INVALID_ARGUMENT), &["slot 0", "AVX_ARG_NONE"]);
    let filled = avx_arg { size: 1, ..none };
    tells(&fails(launch(null_mut(), graph, &[arg_bytes(&p), filled, arg_buffer(buffer)]), AVX_ERROR_INVALID_ARGUMENT), &["size"]);
    let unordered = avx_arg { flags: AVX_ARG_FLAG_UNORDERED, ..arg_buffer(buffer) };
    tells(&fails(launch(null_mut(), graph, &[arg_bytes(&p), none, unordered]), AVX_ERROR_INVALID_ARGUMENT), &["params[2]"]);
    ok(launch(null_mut(), graph, &[arg_bytes(&p), none, arg_buffer(buffer)]));
    assert_eq!(device.words(buffer, 64), vec![25; 64]);
}

#[test]
fn a_recorded_write_keeps_its_bytes() {
    let Some(device) = Device::open_computing() else { return };
    let buffer = device.alloc(200_000, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let mut data: Vec<u8> = (0..150_000u32).map(|i| (i % 251) as u8).collect();
    let graph = device.graph(|stream| {
        ok(write_on(stream, buffer, 13, &data));
        ok(write_on(stream, buffer, 0, &[]));
    });
    let want = data.clone();
    data.fill(0);
    for _ in 0..3 {
        device.fill(buffer, 0, 200_000, &[1]);
        ok(launch(null_mut(), graph, &[]));
        assert!(device.read(buffer, 13, 150_000) == want);
        assert!(device.read(buffer, 0, 13) == [1; 13]);
    }
}

#[test]
fn what_cannot_be_recorded_is_an_error() {
    let Some(device) = Device::open() else { return };
    let buffer = device.alloc(64, AVX_MEMORY_DEVICE);
    let event = device.event();
    let inner = device.graph(|_| {});
    let (mut stream, mut graph) = (null_mut(), null_mut());
    ok(abi::graph_begin(device.handle, null(), &mut stream));
    let unsupported = |status| tells(&fails(status, AVX_ERROR_UNSUPPORTED), &["recorded"]);
    unsupported(read_on(stream, buffer, 0, &mut [0; 4]));
    unsupported(abi::read_async(stream, buffer, 0, [0u8; 4].as_mut_ptr().cast(), 4));
    unsupported(avx_event_record(stream, event));
    unsupported(avx_stream_wait_event(stream, event));
    unsupported(avx_stream_synchronize(stream, 0));
    unsupported(avx_stream_status(stream));
    unsupported(avx_stream_flush(stream));
    unsupported(launch(stream, inner, &[]));
    fails(fill_on(stream, buffer, 0, 128, &[1]), AVX_ERROR_OUT_OF_RANGE);
    ok(abi::graph_end(stream, &mut graph));
    fails(fill_on(stream, buffer, 0, 4, &[1]), AVX_ERROR_INVALID_HANDLE);
    fails(abi::graph_end(stream, &mut graph), AVX_ERROR_INVALID_HANDLE);
    let mut default = null_mut();
    ok(abi::default_stream(device.handle, &mut default));
    fails(abi::graph_end(default, &mut graph), AVX_ERROR_INVALID_HANDLE);
    ok(launch(null_mut(), graph, &[]));
    // A recording that is abandoned.
    ok(abi::graph_begin(device.handle, null(), &mut stream));
    ok(fill_on(stream, buffer, 0, 4, &[1]));
    ok(avx_stream_free(stream));
}

#[test]
fn wrong_values_name_the_slot_and_the_command() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(STEP);
    let buffer = device.alloc(256, AVX_MEMORY_DEVICE);
    let p = bytes_of(&[1, 1]);
    let graph = device.graph(|stream| {
        ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_param(0), arg_bytes(&p)]));
        ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_param_offset(1, buffer, 0, 64), arg_bytes(&p)]));
    });
    let right = [arg_buffer(buffer), arg_bytes(&[0; 8])];
    ok(launch(null_mut(), graph, &right));
    tells(&fails(launch(null_mut(), graph, &right[..1]), AVX_ERROR_INVALID_ARGUMENT), &["1 values", "2 slots"]);
    let message = fails(launch(null_mut(), graph, &[arg_bytes(&p), right[1]]), AVX_ERROR_ARGUMENTS);
    tells(&message, &["command 0", "'main'", "'x'"]);
    tells(
        &fails(launch(null_mut(), graph, &[right[0], arg_bytes(&p[..4])]), AVX_ERROR_INVALID_ARGUMENT),
        &["command 1", "slot 1", "uint64_t"],
    );
    let far = 1024u64.to_le_bytes();
    fails(launch(null_mut(), graph, &[right[0], arg_bytes(&far)]), AVX_ERROR_OUT_OF_RANGE);
    let far = u64::MAX.to_le_bytes();
    fails(launch(null_mut(), graph, &[right[0], arg_bytes(&far)]), AVX_ERROR_OUT_OF_RANGE);
    ok(launch(null_mut(), graph, &right));
    device.synchronize();
    // Slots outside a graph, and slots with a number that is far too high.
    fails(dispatch(kernel, [1, 1, 1], &[arg_param(0), arg_bytes(&p)]), AVX_ERROR_INVALID_ARGUMENT);
    let mut stream = null_mut();
    ok(abi::graph_begin(device.handle, null(), &mut stream));
    fails(dispatch_on(stream, kernel, [1, 1, 1], &[arg_param(u32::MAX), arg_bytes(&p)]), AVX_ERROR_LIMIT);
    fails(dispatch_on(stream, kernel, [1, 1, 1], &[arg_param(0)]), AVX_ERROR_ARGUMENTS);
}

#[test]
fn a_graph_over_a_freed_buffer_fails_at_its_launch() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(STEP);
    let (buffer, other) = (device.alloc(256, AVX_MEMORY_DEVICE), device.alloc(256, AVX_MEMORY_DEVICE));
    ok(abi::set_label(buffer, c("weights").as_ptr()));
    let p = bytes_of(&[1, 1]);
    let graph = device.graph(|stream| {
        ok(fill_on(stream, other, 0, 256, &[1]));
        ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_buffer(buffer), arg_bytes(&p)]));
    });
    ok(launch(null_mut(), graph, &[]));
    ok(avx_free(buffer));
    tells(&fails(launch(null_mut(), graph, &[]), AVX_ERROR_INVALID_HANDLE), &["command 1", "weights", "freed"]);
    device.synchronize();
}

#[test]
fn three_hundred_dependent_commands_with_changing_values() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(PUSHED);
    let state = device.buffer_of_words(&[1; 64]);
    let cache = device.alloc(256 * 64, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let graph = device.graph(|stream| {
        for _ in 0..100 {
            ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_buffer(state), arg_param(0)]));
            ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_param_offset(1, cache, 0, 256), arg_param(0)]));
            ok(avx_copy(stream, cache, 256 * 63, state, 0, 256));
        }
    });
    let (mut want, mut rows) = (1, [0u32; 64]);
    for token in 0..30u64 {
        let constants = (token as u32 * 2 + 1, token as u32);
        let (p, offset) = (bytes_of(&[constants.0, constants.1]), (token * 256).to_le_bytes());
        ok(launch(null_mut(), graph, &[arg_bytes(&p), arg_bytes(&offset)]));
        want = (0..100).fold(want, |x, _| apply(x, constants));
        rows[token as usize] = (0..100).fold(0, |x, _| apply(x, constants));
    }
    rows[63] = want;
    assert_eq!(device.words(state, 64), vec![want; 64]);
    let got = device.words(cache, 64 * 64);
    assert!((0..64).all(|row| got[row * 64..][..64] == [rows[row]; 64]));
}

#[test]
fn launches_from_many_threads_at_once() {
    let Some(device) = Device::open_computing() else { return };
    let device = Arc::new(device);
    within(Duration::from_secs(100), "launches from many threads", move || {
        let kernel = device.kernel(STEP);
        let count = device.kernel(COUNT);
        let total = Shared(device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED));
        let graph = Shared(device.graph(|stream| {
            ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_param(0), arg_param(1)]));
            ok(dispatch_on(stream, count, [1, 1, 1], &[arg_buffer(total.get())]));
        }));
        std::thread::scope(|scope| {
            for thread in 0..8u32 {
                let device = &device;
                scope.spawn(move || {
                    let stream = device.stream();
                    let buffer = device.buffer_of_words(&[thread; 64]);
                    let mut want = thread;
                    for round in 0..40 {
                        let p = bytes_of(&[thread * 2 + 1, round]);
                        ok(launch(stream, graph.get(), &[arg_buffer(buffer), arg_bytes(&p)]));
                        want = apply(want, (thread * 2 + 1, round));
                    }
                    let mut got = vec![0; 256];
                    ok(read_on(stream, buffer, 0, &mut got));
                    assert_eq!(words_of(&got), vec![want; 64]);
                    ok(avx_stream_free(stream));
                });
            }
        });
        assert_eq!(device.words(total.get(), 1), [8 * 40 * 64]);
    });
}
