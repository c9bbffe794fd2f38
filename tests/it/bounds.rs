//! Accesses far out of bounds. Whatever index a WGSL kernel computes, it touches only the range that is bound. The ranges here are
//! adjacent in one VkBuffer, like small buffers and like ranges of one buffer.

use crate::common::*;

/// The number of words of the range that is bound. The ranges on both sides are not bound.
const WORDS: usize = 1024;
const BYTES: u64 = WORDS as u64 * 4;
/// The contents of everything that must not change or be read.
const SECRET: u32 = 0x5ec2_e700;
/// The initial contents of the bound range.
const START: u32 = 7;
/// The value that the kernels write. Outside the bound range it shows an out-of-bounds write.
const MARK: u32 = 0xbad0_0000;

/// Indices of elements of `size` bytes beyond the end: directly behind it, further away, around 2 and 4 GiB, and the last possible ones.
fn indices(size: u64) -> Vec<u32> {
    let count = BYTES / size;
    let near = [0, 1, 2, 63, count, 8 * count];
    let far = [1u64 << 29, 1 << 30, 1 << 31, (1 << 32) - 256, (1 << 32) - 16, (1 << 32) - 4, (1 << 32) - 1];
    let wrapped = far.iter().flat_map(|bytes| [bytes / size, bytes.saturating_sub(BYTES) / size, *bytes]);
    let mut all: Vec<u32> = near.iter().map(|n| count + n).chain(wrapped).filter_map(|n| u32::try_from(n).ok()).collect();
    all.retain(|&n| u64::from(n) >= count);
    all.sort_unstable();
    all.dedup();
    all
}

/// A kernel that accesses the element `where[id.x]` of the range at binding 0: its declarations, its statement, and the size of an element
/// in bytes. A read goes to `out`.
const ACCESSES: [(&str, &str, &str, u64); 9] = [
    ("flat write", "@group(0) @binding(0) var<storage, read_write> t: array<u32>;", "t[i] = mark;", 4),
    ("flat read", "@group(0) @binding(0) var<storage, read_write> t: array<u32>;", "out[id.x] = t[i]; if mark == 1u { t[0] = 1u; }", 4),
    ("vec4 write", "@group(0) @binding(0) var<storage, read_write> t: array<vec4<u32>>;", "t[i] = vec4(mark);", 16),
    ("component write", "@group(0) @binding(0) var<storage, read_write> t: array<vec4<u32>>;", "t[i / 4u][i % 4u] = mark;", 4),
    ("atomic", "@group(0) @binding(0) var<storage, read_write> t: array<atomic<u32>>;", "_ = atomicMax(&t[i], mark);", 4),
    (
        "struct",
        "struct Inner { a: vec2<u32>, b: array<u32, 6> } struct Outer { x: Inner, y: Inner }
        @group(0) @binding(0) var<storage, read_write> t: array<Outer>;",
        "t[i].y.b[i % 6u] = mark; t[i].x.a.y = mark;",
        64,
    ),
    (
        "fixed array in a struct",
        "struct Outer { head: array<u32, 1020>, tail: array<u32> } @group(0) @binding(0) var<storage, read_write> t: Outer;",
        "t.head[i] = mark; t.tail[i] = mark;",
        4,
    ),
    ("fixed array", "@group(0) @binding(0) var<storage, read_write> t: array<u32, 1024>;", "t[i] = mark; t[-i32(i)] = mark;", 4),
    (
        "workgroup and private arrays",
        "@group(0) @binding(0) var<storage, read_write> t: array<u32>; var<workgroup> w: array<u32, 64>; var<private> p: array<u32, 16>;",
        "w[i] = mark; p[i] = mark; t[w[i + 1u]] = p[i + 1u]; t[0] = 7u;",
        4,
    ),
];

/// Runs every access with the middle one of three adjacent ranges bound. `bind` binds the range, and also returns a function that
/// reads the outer ranges.
fn run(device: &Device, what: &str, target: avx_arg, look: &dyn Fn() -> (Vec<u32>, Vec<u32>, Vec<u32>), fill: &dyn Fn()) {
    for (access, declarations, statement, size) in ACCESSES {
        let source = format!(
            "{declarations}
            @group(0) @binding(1) var<storage, read> places: array<u32>; @group(0) @binding(2) var<storage, read_write> out: array<u32>;
            @group(0) @binding(3) var<uniform> mark: u32;
            @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                let i = places[id.x]; out[id.x] = 0u; {statement} }}"
        );
        let kernel = device.kernel(&source);
        let places = indices(size);
        fill();
        let (list, out) = (device.buffer_of_words(&places), device.alloc(places.len() as u64 * 4, AVX_MEMORY_DEVICE));
        // Arguments refer to the bytes by address, so the bytes must outlive them.
        let mark = MARK.to_le_bytes();
        let args = [target, arg_buffer(list), arg_buffer(out), arg_bytes(&mark)];
        ok(dispatch(kernel, [places.len() as u32, 1, 1], &args));
        let (before, bound, after) = look();
        for (side, words) in [("before", before), ("behind", after)] {
            let hit = words.iter().position(|&word| word != SECRET);
            assert!(hit.is_none(), "{what}, {access}: word {hit:?} of the range {side} it changed, with indices {places:?}");
        }
        // The range itself holds its initial contents, values that were written to it, or zeros. The next check excludes SECRET.
        let odd: Vec<_> = bound.iter().enumerate().filter(|(_, word)| ![START, MARK, 0, SECRET].contains(word)).collect();
        assert!(odd.is_empty(), "{what}, {access}: odd words {odd:x?}, with indices {places:?}");
        assert!(!bound.contains(&SECRET), "{what}, {access}: a word from outside came in");
        let read = device.words(out, places.len());
        assert!(read.iter().all(|&word| [START, MARK, 0].contains(&word)), "{what}, {access}: read {read:x?}");
        for buffer in [list, out] {
            ok(avx_free(buffer));
        }
        ok(avx_kernel_free(kernel));
    }
}

#[test]
fn ranges_of_one_buffer() {
    let Some(device) = Device::open_computing() else { return };
    let buffer = device.alloc(3 * BYTES, AVX_MEMORY_DEVICE);
    let mut content = vec![SECRET; 3 * WORDS];
    content[WORDS..2 * WORDS].fill(START);
    let content = bytes_of(&content);
    let look = || {
        let words = device.words(buffer, 3 * WORDS);
        (words[..WORDS].to_vec(), words[WORDS..2 * WORDS].to_vec(), words[2 * WORDS..].to_vec())
    };
    run(&device, "a range", arg_range(buffer, BYTES, BYTES), &look, &|| device.write(buffer, 0, &content));
}

#[test]
fn buffers_side_by_side() {
    let Some(device) = Device::open_computing() else { return };
    let buffers = [(); 3].map(|()| device.alloc(BYTES, AVX_MEMORY_DEVICE));
    let look = || {
        let [before, bound, after] = buffers.map(|buffer| device.words(buffer, WORDS));
        (before, bound, after)
    };
    let fill = || {
        for (buffer, word) in buffers.into_iter().zip([SECRET, START, SECRET]) {
            device.write(buffer, 0, &bytes_of(&[word; WORDS]));
        }
    };
    run(&device, "a buffer", arg_buffer(buffers[1]), &look, &fill);
}

/// Uniform blocks are never written, and reads stay inside them too.
#[test]
fn uniform_arrays() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(
        "@group(0) @binding(0) var<uniform> t: array<vec4<u32>, 16>;
        @group(0) @binding(1) var<storage, read> places: array<u32>; @group(0) @binding(2) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let i = places[id.x]; out[id.x] = t[i].x + t[i / 4u][i % 4u] + t[-i32(i)].y; }",
    );
    let buffer = device.alloc(3 * 256, AVX_MEMORY_DEVICE);
    let mut content = [SECRET; 192];
    content[64..128].fill(START);
    device.write(buffer, 0, &bytes_of(&content));
    let places = indices(16);
    let (list, out) = (device.buffer_of_words(&places), device.alloc(places.len() as u64 * 4, AVX_MEMORY_DEVICE));
    ok(dispatch(kernel, [places.len() as u32, 1, 1], &[arg_range(buffer, 256, 256), arg_buffer(list), arg_buffer(out)]));
    let read = device.words(out, places.len());
    assert!(read.iter().all(|&word| word <= 3 * START), "{read:x?}");
}
