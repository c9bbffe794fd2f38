//! Dispatches: how grids are divided into workgroups, and that dependent work waits. Arguments are tested in arguments.rs.

use crate::common::process::thread_time;
use crate::common::*;
use std::ptr::null_mut;
use std::time::Duration;

/// Adds a constant of the uniform block to each word, from one range to another.
const ADD: &str = "struct P { add: u32, n: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: P;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] = x[id.x] + p.add; }
}";

/// One step of a linear congruential generator for each word, in place.
const LCG: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * 1664525u + 1013904223u; }
}";

/// Writes the position of each workgroup, for grids of any shape.
const WHERE: &str = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(global_invocation_id) g: vec3<u32>, @builtin(local_invocation_index) l: u32) {
    let i = w.x + w.y + w.z;
    if (i < arrayLength(&out) && all(w == g)) { out[i] = i * 3u + 1u + l; }
}";

/// The same kernel, with num_workgroups.
const COUNTS: &str = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(2)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) l: u32) {
    let i = (w.z * n.y + w.y) * n.x + w.x;
    if (l == 0u && i < arrayLength(&out)) { out[i] = n.x * 10000u + n.y * 100u + n.z; }
}";

fn lcg(x: u32) -> u32 {
    x.wrapping_mul(1664525).wrapping_add(1013904223)
}

fn iota(n: u32) -> Vec<u32> {
    (0..n).collect()
}

#[test]
fn grids_beyond_the_limit_are_split() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(WHERE);
    let limits = device.info().max_workgroup_count;
    let mut tried = 0;
    for dimension in 0..3 {
        if limits[dimension] > 1 << 20 {
            continue;
        }
        tried += 1;
        let count = limits[dimension] * 2 + 77;
        let out = device.alloc(u64::from(count) * 4, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        let mut groups = [1; 3];
        groups[dimension] = count;
        device.dispatch(kernel, groups, &[arg_buffer(out)]);
        let got = device.words(out, count as usize);
        let wrong = got.iter().zip(0u32..).find(|&(&got, i)| got != i * 3 + 1);
        assert_eq!(wrong, None, "dimension {dimension}, limit {}", limits[dimension]);
        ok(avx_free(out));
    }
    if tried == 0 {
        skip("every dimension takes more than a million workgroups");
    }
}

#[test]
fn grids_split_in_two_dimensions_at_once() {
    let Some(device) = Device::open_computing() else { return };
    let limits = device.info().max_workgroup_count;
    if limits[1] > 70_000 || limits[2] > 70_000 {
        return skip("the device takes more than 70000 workgroups in y or z");
    }
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> out: array<atomic<u32>>;
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) w: vec3<u32>) {
            if (w.y % 1000u == 999u || w.z > 0u) { atomicAdd(&out[w.x], 1u); atomicMax(&out[3], w.y); }
        }",
    );
    let out = device.alloc(16, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    device.dispatch(kernel, [3, limits[1] + 5, 2], &[arg_buffer(out)]);
    let per_x = (limits[1] + 5) / 1000 + limits[1] + 5;
    assert_eq!(device.words(out, 4), [per_x, per_x, per_x, limits[1] + 4]);
}

#[test]
fn num_workgroups_is_right_or_the_grid_is_refused() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(COUNTS);
    let out = device.alloc(4 * 64, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    device.dispatch(kernel, [4, 3, 2], &[arg_buffer(out)]);
    assert_eq!(device.words(out, 24), vec![40302; 24]);
    ok(dispatch_threads(kernel, [7, 3, 2], &[arg_buffer(out)]));
    assert_eq!(device.words(out, 24), vec![40302; 24]);

    let limits = device.info().max_workgroup_count;
    for dimension in 0..3 {
        let Some(count) = limits[dimension].checked_add(1) else { continue };
        let mut groups = [1; 3];
        groups[dimension] = count;
        let message = fails(dispatch(kernel, groups, &[arg_buffer(out)]), AVX_ERROR_LIMIT);
        tells(&message, &[&limits[dimension].to_string(), &count.to_string()]);
    }
    assert_eq!(device.words(out, 24), vec![40302; 24]);
}

#[test]
fn thread_counts_are_rounded_up_to_workgroups() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> out: array<atomic<u32>>;
        @compute @workgroup_size(8, 4, 2) fn main(@builtin(global_invocation_id) g: vec3<u32>) {
            atomicAdd(&out[0], 1u); atomicMax(&out[1], g.x); atomicMax(&out[2], g.y); atomicMax(&out[3], g.z);
        }",
    );
    for (threads, groups) in [([1, 1, 1], [1u32, 1, 1]), ([8, 4, 2], [1, 1, 1]), ([9, 5, 3], [2, 2, 2]), ([100, 1, 7], [13, 1, 4])] {
        let out = device.alloc(16, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        ok(dispatch_threads(kernel, threads, &[arg_buffer(out)]));
        let all = groups.iter().product::<u32>() * 64;
        assert_eq!(device.words(out, 4), [all, groups[0] * 8 - 1, groups[1] * 4 - 1, groups[2] * 2 - 1], "{threads:?}");
    }
}

#[test]
fn millions_of_threads_and_more_than_32_bits() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @group(0) @binding(1) var<uniform> from_id: vec2<u32>;
        @compute @workgroup_size(256) fn main(@builtin(global_invocation_id) g: vec3<u32>) {
            if (g.x >= from_id.x) { out[g.x - from_id.x] = g.x; }
        }",
    );
    let threads = 256 * 65535 + 1000u32;
    let out = device.alloc(4 * 1024, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let from = threads - 1000;
    ok(dispatch_threads(kernel, [u64::from(threads), 1, 1], &[arg_buffer(out), arg_bytes(&bytes_of(&[from, 0]))]));
    assert_eq!(device.words(out, 1024), (from..from + 1024).collect::<Vec<u32>>());

    for threads in [(1 << 32) + 1, 1 << 33, 1 << 63, u64::MAX] {
        let args = [arg_buffer(out), arg_bytes(&[0; 8])];
        let message = fails(dispatch_threads(kernel, [threads, 1, 1], &args), AVX_ERROR_LIMIT);
        tells(&message, &[&threads.to_string()]);
    }
    let plain = device.kernel("@compute @workgroup_size(64) fn main() { }");
    fails(dispatch_threads(plain, [u64::MAX, u64::MAX, u64::MAX], &[]), AVX_ERROR_LIMIT);
}

#[test]
fn an_empty_grid_runs_nothing_and_checks_nothing_of_sizes() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(LCG);
    let buffer = device.buffer_of_words(&iota(64));
    let empty = device.alloc(0, AVX_MEMORY_DEVICE);
    for groups in [[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0], [u32::MAX, u32::MAX, 0]] {
        device.dispatch(kernel, groups, &[arg_buffer(buffer)]);
        device.dispatch(kernel, groups, &[arg_buffer(empty)]);
        ok(dispatch_threads(kernel, groups.map(u64::from), &[arg_buffer(buffer)]));
    }
    assert_eq!(device.words(buffer, 64), iota(64));
}

#[test]
fn five_thousand_steps_that_each_need_the_one_before() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(LCG);
    let buffer = device.buffer_of_words(&iota(256));
    for _ in 0..5000 {
        device.dispatch(kernel, [4, 1, 1], &[arg_buffer(buffer)]);
    }
    let want: Vec<u32> = (0..256).map(|i| (0..5000).fold(i, |x, _| lcg(x))).collect();
    assert_eq!(device.words(buffer, 256), want);
}

#[test]
fn dispatches_and_transfers_in_turns() {
    let Some(device) = Device::open_computing() else { return };
    let step = device.kernel(LCG);
    let add = device.kernel(ADD);
    let a = device.buffer_of_words(&iota(128));
    let b = device.alloc(512, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let mut model_a = iota(128);
    let mut model_b = vec![0u32; 128];
    for round in 0..300u32 {
        device.dispatch(step, [2, 1, 1], &[arg_buffer(a)]);
        model_a.iter_mut().for_each(|x| *x = lcg(*x));
        let p = bytes_of(&[round, 100]);
        device.dispatch(add, [2, 1, 1], &[arg_buffer(a), arg_buffer(b), arg_bytes(&p)]);
        (0..100).for_each(|i| model_b[i] = model_a[i].wrapping_add(round));
        let place = (round % 100) as usize;
        device.write(a, place as u64 * 4, &round.to_le_bytes());
        model_a[place] = round;
        ok(copy((a, 256), (b, 4), 200));
        let bytes = bytes_of(&model_b);
        let moved = words_of(&bytes[4..204]);
        model_a[64..114].copy_from_slice(&moved);
        device.fill(b, 400, 112, &round.to_le_bytes());
        model_b[100..].fill(round);
        if round % 50 == 49 {
            assert_eq!(device.words(b, 128), model_b, "round {round}");
        }
    }
    assert_eq!(device.words(a, 128), model_a);
}

#[test]
fn atomics_lose_nothing() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> count: array<atomic<u32>, 4>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) g: vec3<u32>) { atomicAdd(&count[g.x % 4u], g.x); }",
    );
    for flags in [0, AVX_ARG_FLAG_UNORDERED] {
        let count = device.alloc(16, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        for _ in 0..100 {
            device.dispatch(kernel, [16, 1, 1], &[avx_arg { flags, ..arg_buffer(count) }]);
        }
        let want: Vec<u32> = (0..4u32).map(|k| (0..1024u32).filter(|i| i % 4 == k).sum::<u32>() * 100).collect();
        assert_eq!(device.words(count, 4), want, "flags {flags}");
    }
}

#[test]
fn unordered_dispatches_are_ordered_against_the_rest() {
    let Some(device) = Device::open_computing() else { return };
    let add = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> count: array<atomic<u32>>;
        @compute @workgroup_size(64) fn main() { atomicAdd(&count[0], 1u); }",
    );
    let step = device.kernel(LCG);
    let count = device.buffer_of_words(&[0]);
    let mut want = 0u32;
    for _ in 0..100 {
        for _ in 0..3 {
            device.dispatch(add, [2, 1, 1], &[avx_arg { flags: AVX_ARG_FLAG_UNORDERED, ..arg_buffer(count) }]);
        }
        device.dispatch(step, [1, 1, 1], &[arg_buffer(count)]);
        want = lcg(want.wrapping_add(3 * 128));
    }
    assert_eq!(device.words(count, 1), [want]);
}

#[test]
fn workgroup_memory_and_barriers() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read> x: array<u32>;
        @group(0) @binding(1) var<storage, read_write> sums: array<u32>;
        var<workgroup> part: array<u32, 128>;
        @compute @workgroup_size(128)
        fn main(@builtin(global_invocation_id) g: vec3<u32>, @builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
            part[l] = x[g.x];
            for (var half = 64u; half > 0u; half = half / 2u) {
                workgroupBarrier();
                if (l < half) { part[l] += part[l + half]; }
            }
            if (l == 0u) { sums[w.x] = part[0]; }
        }",
    );
    assert_eq!(kernel_info(kernel).shared_memory, 512);
    let x: Vec<u32> = (0..128 * 40).map(|i| i * 7 + 1).collect();
    let input = device.buffer_of_words(&x);
    let sums = device.alloc(160, AVX_MEMORY_DEVICE);
    device.dispatch(kernel, [40, 1, 1], &[arg_buffer(input), arg_buffer(sums)]);
    assert_eq!(device.words(sums, 40), x.chunks(128).map(|c| c.iter().sum()).collect::<Vec<u32>>());
}

#[test]
fn what_is_freed_while_in_use_goes_when_the_work_is_done() {
    let Some(device) = Device::open_computing() else { return };
    let out = device.alloc(256, AVX_MEMORY_DEVICE);
    for round in 0..200u32 {
        let kernel = device.kernel(ADD);
        let x = device.buffer_of_words(&iota(64));
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x), arg_buffer(out), arg_bytes(&bytes_of(&[round, 64]))]);
        ok(avx_free(x));
        ok(avx_kernel_free(kernel));
        // New memory must not reuse the memory of x while x is still read.
        let next = device.buffer_of_words(&[0xDEAD_BEEF; 64]);
        assert_eq!(device.words(out, 64), (round..round + 64).collect::<Vec<u32>>());
        ok(avx_free(next));
    }
}

#[test]
fn the_default_stream_by_its_handle() {
    let Some(device) = Device::open_computing() else { return };
    let mut stream = null_mut();
    ok(abi::default_stream(device.handle, &mut stream));
    let mut again = null_mut();
    ok(abi::default_stream(device.handle, &mut again));
    assert!(!stream.is_null() && stream == again);
    let kernel = device.kernel(LCG);
    let buffer = device.alloc(4, AVX_MEMORY_DEVICE);
    ok(abi::write(stream, buffer, 0, 5u32.to_le_bytes().as_ptr().cast(), 4));
    let args = [arg_buffer(buffer)];
    ok(abi::dispatch(stream, kernel, 1, 1, 1, args.as_ptr(), 1));
    device.dispatch(kernel, [1, 1, 1], &args);
    let mut got = [0; 4];
    ok(abi::read(stream, buffer, 0, got.as_mut_ptr().cast(), 4));
    assert_eq!(u32::from_le_bytes(got), lcg(lcg(5)));
}

#[test]
fn a_kernel_reads_as_uniform_data_what_one_before_it_wrote() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<uniform> before: vec4<u32>;
        @group(0) @binding(1) var<storage, read_write> after: vec4<u32>;
        @compute @workgroup_size(1) fn main() { after = before * 1664525u + 1013904223u; }",
    );
    let (a, b) = (device.buffer_of_words(&[1, 2, 3, 4]), device.alloc(16, AVX_MEMORY_DEVICE));
    for _ in 0..50 {
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(a), arg_buffer(b)]);
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(b), arg_buffer(a)]);
    }
    let step = |word| (0..100).fold(word, |word, _| lcg(word));
    assert_eq!(device.words(a, 4), [1, 2, 3, 4].map(step));
}

#[test]
fn the_cost_of_a_dispatch_does_not_grow_with_the_number_of_buffers() {
    let (Some(few), Some(many)) = (Device::open(), Device::open()) else { return };
    for _ in 0..3000 {
        let other = many.alloc(256, AVX_MEMORY_DEVICE);
        many.fill(other, 0, 256, &[1]);
    }
    many.synchronize();
    let [mut alone, mut among_many] = [Duration::MAX; 2];
    let mut sides = [(&few, &mut alone), (&many, &mut among_many)].map(|(device, best)| {
        let buffer = device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        (device, device.kernel(LCG), [arg_buffer(buffer)], best)
    });
    // Only the time of this thread counts: other tests of the process use the driver meanwhile. Both sides are measured in turn, and the
    // best of several runs counts.
    for _ in 0..10 {
        for (device, kernel, args, best) in &mut sides {
            let start = thread_time();
            for _ in 0..200 {
                device.dispatch(*kernel, [1, 1, 1], &*args);
            }
            **best = (thread_time() - start).min(**best);
            device.synchronize();
        }
    }
    assert!(among_many < alone * 5, "200 dispatches took {alone:?} alone and {among_many:?} among 3000 buffers");
}

/// A kernel that runs for a while: a chain in each invocation that no compiler can shorten.
const SLOW: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> n: vec2<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var v = x[id.x];
    for (var i = 0u; i < n.x; i += 1u) { v = v ^ (v << 13u); v = v ^ (v >> 17u); v = v ^ (v << 5u); }
    x[id.x] = v;
}";

fn slow(mut v: u32, n: u32) -> u32 {
    for _ in 0..n {
        v ^= v << 13;
        v ^= v >> 17;
        v ^= v << 5;
    }
    v
}

/// The amount of SLOW that takes a few tenths of a second: steps, workgroups. llvmpipe ends loops after 65,535 steps, so software
/// drivers get more workgroups instead.
fn slow_work(device: &Device) -> (u32, u32) {
    if device.is_cpu() { (60_000, 40) } else { (30_000_000, 1) }
}

#[test]
fn a_wait_that_ends_early_leaves_the_work_going() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(SLOW);
    let (steps, groups) = slow_work(&device);
    let x = device.buffer_of_words(&vec![1; groups as usize * 64]);
    device.synchronize();
    // Other tests of this process open and close devices, and drivers hold locks of the whole process meanwhile: the call may come late.
    let mut dispatches = 0;
    let status = loop {
        for _ in 0..3 {
            device.dispatch(kernel, [groups, 1, 1], &[arg_buffer(x), arg_bytes(&bytes_of(&[steps, 0]))]);
        }
        dispatches += 3;
        match avx_device_synchronize(device.handle, 1000) {
            AVX_OK if dispatches < 30 => {}
            status => break status,
        }
    };
    assert!(status == AVX_TIMEOUT, "a microsecond was enough for all that work: {}", name(status));
    let status = avx_device_synchronize(device.handle, 0);
    assert!([AVX_OK, AVX_NOT_READY].contains(&status), "{}", name(status));
    device.synchronize();
    ok(avx_device_synchronize(device.handle, 0));
    assert_eq!(device.words(x, 64), [(0..dispatches).fold(1, |v, _| slow(v, steps)); 64]);
}

#[test]
fn reads_and_maps_give_up_after_the_devices_timeout() {
    let Some(probe) = Device::open_computing() else { return };
    drop(probe);
    let no_cache = c("");
    let options = avx_device_options { wait_timeout_ns: 1_000_000, cache_dir: no_cache.as_ptr(), ..avx_device_options::zeroed() };
    let Some(device) = Device::open_with(&options) else { return };
    let kernel = device.kernel(SLOW);
    let (steps, groups) = slow_work(&device);
    let x = device.alloc(u64::from(groups) * 256, AVX_MEMORY_READBACK);
    device.fill(x, 0, u64::from(groups) * 256, &1u32.to_le_bytes());
    device.synchronize();
    device.dispatch(kernel, [groups, 1, 1], &[arg_buffer(x), arg_bytes(&bytes_of(&[steps, 0]))]);
    let mut data = [0xEE; 4];
    fails(read(x, 0, &mut data), AVX_ERROR_TIMEOUT);
    assert_eq!(data, [0xEE; 4], "nothing is delivered");
    let mut pointer = null_mut();
    fails(abi::map(x, 0, 0, AVX_MAP_READ, &mut pointer), AVX_ERROR_TIMEOUT);
    assert_eq!(buffer_info(x).mapped, 0);
    device.synchronize();
    assert_eq!(device.words(x, 64), [slow(1, steps); 64]);
}
