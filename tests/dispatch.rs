//! Dispatches: how arguments reach a kernel, how grids are cut, and that work which depends on other work waits for it.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::random::Random;
use common::*;
use std::ptr::{null, null_mut};

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

/// Says where each workgroup was, for grids of any shape.
const WHERE: &str = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(global_invocation_id) g: vec3<u32>, @builtin(local_invocation_index) l: u32) {
    let i = w.x + w.y + w.z;
    if (i < arrayLength(&out) && all(w == g)) { out[i] = i * 3u + 1u + l; }
}";

/// The same, with num_workgroups.
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
fn positional_arguments() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(ADD);
    let x = device.buffer_of_words(&iota(1000));
    let y = device.alloc(4000, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let p = bytes_of(&[7, 990]);
    device.dispatch(kernel, [16, 1, 1], &[arg_buffer(x), arg_buffer(y), arg_bytes(&p)]);
    let want: Vec<u32> = (0..1000).map(|i| if i < 990 { i + 7 } else { 0 }).collect();
    assert_eq!(device.words(y, 1000), want);
}

#[test]
fn arguments_by_place_in_any_order_with_entries_to_spare() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(ADD);
    let x = device.buffer_of_words(&iota(64));
    let y = device.alloc(256, AVX_MEMORY_DEVICE);
    let p = bytes_of(&[5, 64]);
    let args = [at(3, 9, arg_buffer(x)), at(0, 2, arg_bytes(&p)), at(0, 1, arg_buffer(y)), at(0, 0, arg_buffer(x)), at(0, 7, arg_bytes(&p))];
    device.dispatch(kernel, [1, 1, 1], &args);
    assert_eq!(device.words(y, 64), (5..69).collect::<Vec<u32>>());
}

#[test]
fn ranges_are_all_that_a_kernel_sees() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> a: array<u32>;
        @group(0) @binding(1) var<storage, read_write> n: array<u32>;
        @compute @workgroup_size(1) fn main() { n[0] = arrayLength(&a); a[0] = 1u; a[arrayLength(&a) - 1u] = 2u; }",
    );
    let n = device.alloc(4, AVX_MEMORY_DEVICE);
    for (offset, size, count) in [(0, 0, 1024), (256, 0, 960), (512, 400, 100), (1024, 402, 100), (3840, 256, 64), (0, 8, 2)] {
        let a = device.alloc(4096, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        device.dispatch(kernel, [1, 1, 1], &[arg_range(a, offset, size), arg_buffer(n)]);
        assert_eq!(device.words(n, 1), [count], "{size} bytes from {offset}");
        let mut want = vec![0; 1024];
        let first = usize::try_from(offset / 4).unwrap();
        want[first] = 1;
        want[first + count as usize - 1] = 2;
        assert_eq!(device.words(a, 1024), want, "{size} bytes from {offset}");
    }
}

#[test]
fn ranges_at_the_alignment_that_the_kernel_states() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(LCG);
    let alignment = arg_info(kernel, 0).alignment;
    assert!(alignment <= 256 && alignment.is_power_of_two(), "alignment {alignment}");
    let buffer = device.alloc(4096, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let offset = u64::from(alignment.max(4)) * 3;
    device.dispatch(kernel, [1, 1, 1], &[arg_range(buffer, offset, 8)]);
    let words = device.words(buffer, 1024);
    for (i, &word) in words.iter().enumerate() {
        let inside = i as u64 * 4 >= offset && (i as u64 * 4) < offset + 8;
        assert_eq!(word, if inside { lcg(0) } else { 0 }, "word {i}");
    }
}

#[test]
fn uniform_bytes_are_copied_at_the_call() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "struct P { at: u32, value: u32 }
        @group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @group(0) @binding(1) var<uniform> p: P;
        @compute @workgroup_size(1) fn main() { out[p.at] = p.value; }",
    );
    let out = device.alloc(4 * 3000, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let mut p = vec![0; 8];
    for i in 0..3000u32 {
        p[..4].copy_from_slice(&i.to_le_bytes());
        p[4..].copy_from_slice(&(i ^ 0xABCD).to_le_bytes());
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(out), arg_bytes(&p)]);
        p.fill(0xFF);
    }
    assert_eq!(device.words(out, 3000), (0..3000).map(|i| i ^ 0xABCD).collect::<Vec<u32>>());
}

#[test]
fn large_uniform_blocks_wrap_around_the_ring() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @group(0) @binding(1) var<uniform> p: array<vec4<u32>, 1000>;
        @compute @workgroup_size(1) fn main() {
            var sum = 0u;
            for (var i = 0u; i < 1000u; i += 1u) { sum += p[i].x + p[i].y * 3u + p[i].z * 5u + p[i].w * 7u; }
            out[p[0].x] = sum;
        }",
    );
    let out = device.alloc(4 * 600, AVX_MEMORY_DEVICE);
    let mut random = Random::new(20);
    let mut want = Vec::new();
    for i in 0..600 {
        let mut block: Vec<u32> = (0..4000).map(|_| random.word()).collect();
        block[0] = i;
        want.push(block.chunks(4).fold(0u32, |sum, v| {
            let v = [v[0], v[1].wrapping_mul(3), v[2].wrapping_mul(5), v[3].wrapping_mul(7)];
            v.iter().fold(sum, |sum, &v| sum.wrapping_add(v))
        }));
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(out), arg_bytes(&bytes_of(&block))]);
    }
    assert_eq!(device.words(out, 600), want);
}

#[test]
fn uniform_blocks_may_come_from_a_buffer() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(ADD);
    let x = device.buffer_of_words(&iota(64));
    let y = device.alloc(256, AVX_MEMORY_DEVICE);
    let p = device.alloc(1024, AVX_MEMORY_UPLOAD);
    device.write(p, 256, &bytes_of(&[100, 64]));
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x), arg_buffer(y), arg_range(p, 256, 8)]);
    assert_eq!(device.words(y, 64), (100..164).collect::<Vec<u32>>());
    device.write(p, 256, &bytes_of(&[200, 64]));
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x), arg_buffer(y), arg_range(p, 256, 0)]);
    device.write(p, 256, &bytes_of(&[300, 64]));
    assert_eq!(device.words(y, 64), (200..264).collect::<Vec<u32>>());
}

#[test]
fn bytes_may_lack_trailing_padding_alone() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "struct P { a: vec4<u32>, b: vec3<u32> }
        @group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @group(0) @binding(1) var<uniform> p: P;
        @compute @workgroup_size(1) fn main() { out[0] = p.a.x + p.b.z; }",
    );
    let out = device.alloc(4, AVX_MEMORY_DEVICE);
    let block = bytes_of(&[40, 0, 0, 0, 0, 0, 2, 99]);
    for size in [28, 32] {
        device.fill(out, 0, 4, &[0]);
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(out), arg_bytes(&block[..size])]);
        assert_eq!(device.words(out, 1), [42], "{size} bytes");
    }
    for size in [0, 4, 24, 27] {
        let story = fails(dispatch(kernel, [1, 1, 1], &[arg_buffer(out), arg_bytes(&block[..size])]), AVX_ERROR_ARGUMENTS);
        tells(&story, &["p", &size.to_string()]);
    }
    let long = vec![0; 36];
    fails(dispatch(kernel, [1, 1, 1], &[arg_buffer(out), arg_bytes(&long)]), AVX_ERROR_ARGUMENTS);
}

#[test]
fn immediates() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "struct P { add: u32, times: u32, at: vec2<u32> }
        var<immediate> p: P;
        @group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(1) fn main() { out[p.at.x + p.at.y] = (out[p.at.x + p.at.y] + p.add) * p.times; }",
    );
    assert_eq!(kernel_info(kernel).arg_count, 2);
    let info = arg_info(kernel, 1);
    assert_eq!((info.kind, info.min_size, info.group, info.binding), (AVX_BINDING_PUSH_CONSTANTS, 16, 0, 0));
    let out = device.alloc(4 * 100, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let mut want = vec![0u32; 100];
    for step in 0..1000u32 {
        let place = (step * 37) % 100;
        let p = bytes_of(&[step, step % 5 + 1, place / 2, place - place / 2]);
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(out), arg_bytes(&p)]);
        let cell = &mut want[place as usize];
        *cell = cell.wrapping_add(step).wrapping_mul(step % 5 + 1);
    }
    assert_eq!(device.words(out, 100), want);
}

#[test]
fn several_groups_with_gaps() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(3) @binding(5) var<storage, read_write> last: array<u32>;
        @group(0) @binding(7) var<storage, read> first: array<u32>;
        @group(1) @binding(0) var<storage, read> second: array<u32>;
        @group(0) @binding(2) var<uniform> p: vec2<u32>;
        @group(2) @binding(0) var<storage, read> unused: array<u32>;
        fn other() { last[1] = unused[0]; }
        @compute @workgroup_size(1) fn main() { last[0] = first[0] * p.x + second[0] * p.y; }",
    );
    let places: Vec<(u32, u32)> =
        (0..kernel_info(kernel).arg_count).map(|i| arg_info(kernel, i)).map(|info| (info.group, info.binding)).collect();
    assert_eq!(places, [(0, 2), (0, 7), (1, 0), (3, 5)], "ascending, and only what the entry point reaches");
    let first = device.buffer_of_words(&[3]);
    let second = device.buffer_of_words(&[5]);
    let last = device.alloc(8, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    device.dispatch(kernel, [1, 1, 1], &[arg_bytes(&bytes_of(&[10, 100])), arg_buffer(first), arg_buffer(second), arg_buffer(last)]);
    assert_eq!(device.words(last, 2), [530, 0]);
}

#[test]
fn a_kernel_without_arguments() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel("@compute @workgroup_size(32) fn main() { }");
    assert_eq!(kernel_info(kernel).arg_count, 0);
    ok(abi::dispatch(null_mut(), kernel, 4, 1, 1, null(), 0));
    device.synchronize();
}

#[test]
fn one_range_read_and_written_at_once() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(ADD);
    let p = bytes_of(&[1, 128]);
    let buffer = device.buffer_of_words(&iota(512));
    // The same bytes, disjoint ranges, and ranges that overlap in a half of which each element is touched once.
    device.dispatch(kernel, [2, 1, 1], &[arg_range(buffer, 0, 512), arg_range(buffer, 0, 512), arg_bytes(&p)]);
    device.dispatch(kernel, [2, 1, 1], &[arg_range(buffer, 0, 512), arg_range(buffer, 1024, 512), arg_bytes(&p)]);
    let q = bytes_of(&[1000, 64]);
    device.dispatch(kernel, [1, 1, 1], &[arg_range(buffer, 0, 1024), arg_range(buffer, 256, 1024), arg_bytes(&q)]);
    let mut want = iota(512);
    want[..128].iter_mut().for_each(|w| *w += 1);
    want.copy_within(0..128, 256);
    want[256..384].iter_mut().for_each(|w| *w += 1);
    for i in 0..64 {
        want[64 + i] = want[i] + 1000;
    }
    assert_eq!(device.words(buffer, 512), want);
}

#[test]
fn overlap_and_no_overlap_in_turns_on_one_kernel() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(ADD);
    let p = bytes_of(&[1, 64]);
    let a = device.buffer_of_words(&iota(64));
    let b = device.alloc(256, AVX_MEMORY_DEVICE);
    for _ in 0..50 {
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(a), arg_buffer(a), arg_bytes(&p)]);
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(a), arg_buffer(b), arg_bytes(&p)]);
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(b), arg_buffer(a), arg_bytes(&p)]);
    }
    assert_eq!(device.words(a, 64), (150..214).collect::<Vec<u32>>());
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
        let story = fails(dispatch(kernel, groups, &[arg_buffer(out)]), AVX_ERROR_LIMIT);
        tells(&story, &[&limits[dimension].to_string(), &count.to_string()]);
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
        let story = fails(dispatch_threads(kernel, [threads, 1, 1], &args), AVX_ERROR_LIMIT);
        tells(&story, &[&threads.to_string()]);
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
    for flags in [0, AVX_ARG_UNORDERED] {
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
            device.dispatch(add, [2, 1, 1], &[avx_arg { flags: AVX_ARG_UNORDERED, ..arg_buffer(count) }]);
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
        // New memory must not be that of x while x is still read.
        let next = device.buffer_of_words(&[0xDEAD_BEEF; 64]);
        assert_eq!(device.words(out, 64), (round..round + 64).collect::<Vec<u32>>());
        ok(avx_free(next));
    }
}

#[test]
fn a_kernel_cannot_reach_beyond_the_range_that_was_bound() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<storage, read_write> a: array<u32>;
        @group(0) @binding(1) var<storage, read> at: array<u32>;
        @group(0) @binding(2) var<storage, read_write> v: array<vec4<u32>>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) g: vec3<u32>) {
            let i = at[g.x];
            a[i] = 0x55u + a[i];
            v[i] = vec4(0x66u);
            v[i / 4u].z = 0x77u;
        }",
    );
    let indices: Vec<u32> = (0..64).map(|i| [64, 65, 100, 1000, 1 << 14, 1 << 28, u32::MAX / 4, u32::MAX][i % 8].saturating_sub(i as u32 / 8)).collect();
    let at = device.buffer_of_words(&indices.iter().map(|&i| i.max(64)).collect::<Vec<u32>>());
    let background = Random::new(21).bytes(4096);
    let a = device.buffer_of(&background);
    let v = device.buffer_of(&background);
    let neighbours: Vec<avx_buffer> = (0..8).map(|_| device.buffer_of(&background)).collect();
    device.dispatch(kernel, [1, 1, 1], &[arg_range(a, 1024, 256), arg_buffer(at), arg_range(v, 1024, 256)]);
    for (buffer, name) in [(a, "a"), (v, "v")] {
        let got = device.read(buffer, 0, 4096);
        assert!(got[..1024] == background[..1024] && got[1280..] == background[1280..], "{name} changed beyond its range");
    }
    for neighbour in neighbours {
        assert!(device.read(neighbour, 0, 4096) == background, "another buffer changed");
    }
}

#[test]
fn eight_storage_buffers() {
    let Some(device) = Device::open_computing() else { return };
    if device.info().max_storage_buffers < 8 {
        return skip("the device has fewer than 8 storage buffers");
    }
    let declared: String = (0..8).map(|i| format!("@group(0) @binding({i}) var<storage, read_write> b{i}: array<u32>;\n")).collect();
    let body: String = (0..8).map(|i| format!("b{i}[0] = {}u; ", i * i + 1)).collect();
    let kernel = device.kernel(&format!("{declared} @compute @workgroup_size(1) fn main() {{ {body} }}"));
    let buffers: Vec<avx_buffer> = (0..8).map(|_| device.alloc(4, AVX_MEMORY_DEVICE)).collect();
    let args: Vec<avx_arg> = buffers.iter().map(|&b| arg_buffer(b)).collect();
    device.dispatch(kernel, [1, 1, 1], &args);
    for (i, &buffer) in (0u32..).zip(&buffers) {
        assert_eq!(device.words(buffer, 1), [i * i + 1]);
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

/// A kernel that takes a while: a chain that no compiler can shorten.
const SLOW: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> n: vec2<u32>;
@compute @workgroup_size(1) fn main() {
    var v = x[0];
    for (var i = 0u; i < n.x; i += 1u) { v = v ^ (v << 13u); v = v ^ (v >> 17u); v = v ^ (v << 5u); }
    x[0] = v;
}";

fn slow(mut v: u32, n: u32) -> u32 {
    for _ in 0..n {
        v ^= v << 13;
        v ^= v >> 17;
        v ^= v << 5;
    }
    v
}

#[test]
fn a_wait_that_ends_early_leaves_the_work_going() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(SLOW);
    let x = device.buffer_of_words(&[1]);
    let n = 30_000_000;
    for _ in 0..3 {
        device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x), arg_bytes(&bytes_of(&[n, 0]))]);
    }
    let status = avx_synchronize(device.handle, 1000);
    assert!(status == AVX_TIMEOUT, "a microsecond was enough for 90 million steps: {}", name(status));
    assert!(!last_error().is_empty(), "the story is about the last status other than AVX_OK");
    let status = avx_synchronize(device.handle, 0);
    assert!([AVX_OK, AVX_TIMEOUT].contains(&status), "{}", name(status));
    device.synchronize();
    ok(avx_synchronize(device.handle, 0));
    assert_eq!(device.words(x, 1), [(0..3).fold(1, |v, _| slow(v, n))]);
}

#[test]
fn reads_and_maps_give_up_after_the_devices_timeout() {
    let Some(probe) = Device::open_computing() else { return };
    drop(probe);
    let no_cache = c("");
    let options = avx_device_options { wait_timeout_ns: 1_000_000, cache_dir: no_cache.as_ptr(), ..avx_device_options::zeroed() };
    let Some(device) = Device::open_with(&options) else { return };
    let kernel = device.kernel(SLOW);
    let x = device.alloc(4, AVX_MEMORY_READBACK);
    device.write(x, 0, &1u32.to_le_bytes());
    device.synchronize();
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x), arg_bytes(&bytes_of(&[40_000_000, 0]))]);
    let mut data = [0xEE; 4];
    fails(read(x, 0, &mut data), AVX_ERROR_TIMEOUT);
    assert_eq!(data, [0xEE; 4], "nothing is delivered");
    let mut pointer = null_mut();
    fails(abi::map(x, 0, 0, AVX_MAP_READ, &mut pointer), AVX_ERROR_TIMEOUT);
    assert_eq!(buffer_info(x).mapped, 0);
    device.synchronize();
    assert_eq!(device.words(x, 1), [slow(1, 40_000_000)]);
}
