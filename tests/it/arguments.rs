//! Arguments of a dispatch: how buffers, ranges and bytes reach a kernel, and that the kernel touches nothing else.

use crate::common::random::Random;
use crate::common::*;
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
    let args =
        [at(3, 9, arg_buffer(x)), at(0, 2, arg_bytes(&p)), at(0, 1, arg_buffer(y)), at(0, 0, arg_buffer(x)), at(0, 7, arg_bytes(&p))];
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
        let message = fails(dispatch(kernel, [1, 1, 1], &[arg_buffer(out), arg_bytes(&block[..size])]), AVX_ERROR_ARGUMENTS);
        tells(&message, &["p", &size.to_string()]);
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
    assert_eq!((info.kind, info.min_size, info.group, info.binding), (AVX_BINDING_PUSH_CONSTANTS, 16, AVX_GROUP_PUSH_CONSTANTS, 0));
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
    // The same bytes, disjoint ranges, and ranges that overlap in one half. Each element of that half is touched once.
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
    let indices: Vec<u32> =
        (0..64).map(|i| [64, 65, 100, 1000, 1 << 14, 1 << 28, u32::MAX / 4, u32::MAX][i % 8].saturating_sub(i as u32 / 8)).collect();
    let at = device.buffer_of_words(&indices.iter().map(|&i| i.max(64)).collect::<Vec<u32>>());
    let background = Random::new(21).bytes(4096);
    let a = device.buffer_of(&background);
    let v = device.buffer_of(&background);
    let guards: Vec<avx_buffer> = (0..8).map(|_| device.buffer_of(&background)).collect();
    device.dispatch(kernel, [1, 1, 1], &[arg_range(a, 1024, 256), arg_buffer(at), arg_range(v, 1024, 256)]);
    for (buffer, name) in [(a, "a"), (v, "v")] {
        let got = device.read(buffer, 0, 4096);
        assert!(got[..1024] == background[..1024] && got[1280..] == background[1280..], "{name} changed beyond its range");
    }
    for guard in guards {
        assert!(device.read(guard, 0, 4096) == background, "another buffer changed");
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
fn uniform_bytes_are_bounded_and_a_buffer_is_the_way_out() {
    let Some(device) = Device::open() else { return };
    let source = "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
        @group(0) @binding(1) var<uniform> p: array<vec4<f32>, 20000>;
        @compute @workgroup_size(1) fn main() { x[0] = p[19999].x; }";
    let kernel = match device.try_kernel(source, None) {
        Ok(kernel) => kernel,
        Err(status) => return assert!(status == AVX_ERROR_LIMIT, "{}", name(status)),
    };
    let x = device.buffer_of_words(&[7]);
    let message = fails(dispatch(kernel, [1, 1, 1], &[arg_buffer(x), arg_bytes(&[0; 320_000])]), AVX_ERROR_LIMIT);
    tells(&message, &["'p'", "320000", "buffer"]);
    assert_eq!(device.words(x, 1), [7], "what was queued before is not lost");
}
