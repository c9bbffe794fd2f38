//! SPIR-V kernels: reflection gives the same as for WGSL, and invalid modules are rejected before a driver sees them.

use crate::common::random::{Random, number};
use crate::common::spirv::{HEADER, OP_CAPABILITY, OP_ENTRY_POINT, instructions};
use crate::common::*;

const REFUSALS: [avx_status; 3] = [AVX_ERROR_INVALID_SPIRV, AVX_ERROR_ENTRY_POINT, AVX_ERROR_UNSUPPORTED];

const SAXPY: &str = "struct Params { a: f32, n: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             p: Params;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }
}";

const MODULES: [&str; 5] = [
    SAXPY,
    "struct Head { n: u32, v: array<vec4<f32>> }
    struct Item { a: vec3<f32>, b: u32, c: vec2<f32> }
    @group(0) @binding(0) var<storage, read> head: Head;
    @group(0) @binding(4) var<storage, read> items: array<Item>;
    @group(2) @binding(0) var<storage, read_write> out: array<u32, 16>;
    @compute @workgroup_size(2, 3, 4) fn main() { out[0] = head.n + u32(head.v[1].x) + items[2].b; }",
    "var<immediate> now: vec4<u32>;
    @group(0) @binding(0) var<storage, read_write> count: array<atomic<u32>>;
    @compute @workgroup_size(32) fn main() { atomicAdd(&count[now.x], now.y); }",
    "@group(0) @binding(0) var<storage, read_write> written: array<u32>;
    @group(0) @binding(1) var<storage, read_write> unused: array<u32>;
    @group(1) @binding(1) var<uniform> block: array<vec4<f32>, 7>;
    fn store(i: u32) { written[i] = u32(block[i % 7u].x); }
    fn other() { unused[0] = 1u; }
    @compute @workgroup_size(1) fn main() { store(1u); }",
    "var<workgroup> tile: array<u32, 64>;
    @group(0) @binding(0) var<storage, read_write> x: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) l: u32) {
        tile[l] = x[l];
        workgroupBarrier();
        for (var i = 0u; i < 3u; i += 1u) { x[l] += tile[(l + i) % 64u]; }
    }",
];

#[test]
fn wgsl_and_spirv_have_the_same_interface() {
    let Some(device) = Device::open() else { return };
    let describe = |kernel: avx_kernel| {
        let info = kernel_info(kernel);
        let args: Vec<_> = (0..info.arg_count)
            .map(|i| arg_info(kernel, i))
            .map(|a| (text(&a.name), a.kind, a.group, a.binding, a.access, a.alignment, a.min_size, a.stride))
            .collect();
        (info.workgroup_size, info.shared_memory, text(&info.entry_point), args)
    };
    for source in MODULES {
        let wgsl = device.kernel(source);
        let bytes = spirv::bytes(&spirv::words(source));
        let spirv = device.try_code(AVX_LANGUAGE_SPIRV, &bytes, None).unwrap_or_else(|s| panic!("{}: {}", name(s), last_error()));
        assert_eq!(describe(wgsl), describe(spirv), "{source}");
        assert_eq!(kernel_info(spirv).language, AVX_LANGUAGE_SPIRV);
        let contained = if device.info().features & AVX_FEATURE_ROBUST_ACCESS != 0 { AVX_BOUNDS_HARDWARE } else { AVX_BOUNDS_NONE };
        assert_eq!(kernel_info(spirv).bounds, contained);
    }
}

#[test]
fn spirv_runs_and_needs_no_alignment() {
    let Some(device) = Device::open_computing() else { return };
    let words = spirv::words(SAXPY);
    let mut shifted = vec![0];
    shifted.extend_from_slice(&spirv::bytes(&words));
    for shift in [0, 1] {
        let code = if shift == 0 { &shifted[1..] } else { &spirv::bytes(&words)[..] };
        let kernel = device.try_code(AVX_LANGUAGE_SPIRV, code, Some("main")).expect("valid SPIR-V");
        let floats = |n: usize, f: fn(f32) -> f32| (0..n).flat_map(|i| f(i as f32).to_le_bytes()).collect::<Vec<u8>>();
        let x = device.buffer_of(&floats(100, |i| i));
        let y = device.buffer_of(&floats(100, |_| 1.0));
        let mut p = 2.0f32.to_le_bytes().to_vec();
        p.extend_from_slice(&100u32.to_le_bytes());
        device.dispatch(kernel, [2, 1, 1], &[arg_buffer(x), arg_buffer(y), arg_bytes(&p)]);
        assert_eq!(device.read(y, 0, 400), floats(100, |i| 2.0 * i + 1.0));
    }
}

#[test]
fn entry_points_of_spirv() {
    let Some(device) = Device::open() else { return };
    let two = "@group(0) @binding(0) var<storage, read_write> a: array<u32>;
        @compute @workgroup_size(1) fn first() { a[0] = 1u; }
        @compute @workgroup_size(2) fn second() { a[0] = 2u; }";
    let code = spirv::bytes(&spirv::words(two));
    for (entry, words) in [(None, ["first", "second"]), (Some("third"), ["third", "second"])] {
        let status = device.try_code(AVX_LANGUAGE_SPIRV, &code, entry).expect_err("no such entry point");
        tells(&fails(status, AVX_ERROR_ENTRY_POINT), &words);
    }
    let second = device.try_code(AVX_LANGUAGE_SPIRV, &code, Some("second")).expect("it is there");
    assert_eq!(kernel_info(second).workgroup_size, [2, 1, 1]);
}

#[test]
fn overlap_with_writes_needs_aliased_in_spirv() {
    let Some(device) = Device::open_computing() else { return };
    let source = "@group(0) @binding(0) var<storage, read> x: array<u32>;
        @group(0) @binding(1) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = x[id.x] + 1u; }";
    let words = spirv::words(source);
    let plain = device.try_code(AVX_LANGUAGE_SPIRV, &spirv::bytes(&words), None).expect("valid");
    let aliased = device.try_code(AVX_LANGUAGE_SPIRV, &spirv::bytes(&spirv::aliased(&words)), None).expect("valid");
    let content: Vec<u32> = (0..128).collect();
    let buffer = device.buffer_of_words(&content);
    let message = fails(dispatch(plain, [1, 1, 1], &[arg_buffer(buffer), arg_buffer(buffer)]), AVX_ERROR_ARGUMENTS);
    tells(&message, &["Aliased"]);
    fails(dispatch(plain, [1, 1, 1], &[arg_range(buffer, 0, 260), arg_range(buffer, 256, 256)]), AVX_ERROR_ARGUMENTS);
    assert_eq!(device.words(buffer, 128), content);
    device.dispatch(plain, [1, 1, 1], &[arg_range(buffer, 0, 256), arg_range(buffer, 256, 256)]);
    device.dispatch(aliased, [1, 1, 1], &[arg_range(buffer, 0, 256), arg_range(buffer, 0, 256)]);
    assert_eq!(device.words(buffer, 128), (1..65).chain(1..65).collect::<Vec<u32>>());
}

#[test]
fn grids_over_the_limit_run_in_spirv_or_are_refused_with_both_numbers() {
    let Some(device) = Device::open_computing() else { return };
    let limit = device.info().max_workgroup_count[1];
    let Some(count) = limit.checked_add(9).filter(|&c| c < 1 << 20) else {
        return skip("the device takes over a million workgroups in y");
    };
    let source = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) w: vec3<u32>) { out[w.y] = w.y; }";
    let kernel = device.try_code(AVX_LANGUAGE_SPIRV, &spirv::bytes(&spirv::words(source)), None).expect("valid");
    let out = device.alloc(u64::from(count) * 4, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    match dispatch(kernel, [1, count, 1], &[arg_buffer(out)]) {
        AVX_OK => assert_eq!(device.words(out, count as usize), (0..count).collect::<Vec<u32>>()),
        status => tells(&fails(status, AVX_ERROR_LIMIT), &[&limit.to_string(), &count.to_string()]),
    }
}

#[test]
fn every_truncation_is_refused() {
    let Some(device) = Device::open() else { return };
    for source in [MODULES[0], MODULES[4]] {
        let code = spirv::bytes(&spirv::words(source));
        for length in (0..code.len()).filter(|l| l % 4 == 0 || *l < 40 || l % 13 == 0) {
            let status = device.try_code(AVX_LANGUAGE_SPIRV, &code[..length], None).expect_err("cut short");
            if length == 0 {
                // A size of 0 means that the code is text that ends with a NUL.
                fails_with_one_of(status, &[AVX_ERROR_INVALID_SPIRV, AVX_ERROR_INVALID_ARGUMENT]);
            } else {
                fails_with_one_of(status, &REFUSALS);
            }
        }
    }
}

#[track_caller]
fn is_refused(device: &Device, words: &[u32], what: &str) {
    match device.try_code(AVX_LANGUAGE_SPIRV, &spirv::bytes(words), None) {
        Ok(_) => panic!("{what} is taken for a kernel"),
        Err(status) => {
            let message = last_error();
            assert!(REFUSALS.contains(&status), "{what}: {} ({status}): {message}", name(status));
            assert!(!message.is_empty(), "{what}: no message");
        }
    }
}

#[test]
fn broken_headers_are_refused() {
    let Some(device) = Device::open() else { return };
    let good = spirv::words(SAXPY);
    let with = |at: usize, word: u32| {
        let mut words = good.clone();
        words[at] = word;
        words
    };
    is_refused(&device, &with(0, 0), "a magic of 0");
    is_refused(&device, &with(0, good[0].swap_bytes()), "the magic of the other byte order alone");
    is_refused(&device, &with(1, 0x00FF_0000), "version 255.0");
    is_refused(&device, &with(1, 0xFFFF_FFFF), "a version of ones");
    is_refused(&device, &with(3, 0), "a bound of 0");
    is_refused(&device, &with(3, 2), "a bound below the ids");
    is_refused(&device, &with(3, u32::MAX), "a bound of four billion");
    is_refused(&device, &good[..HEADER], "a header alone");
    is_refused(&device, b"int main".chunks(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect::<Vec<_>>().as_slice(), "text");
    is_refused(&device, &vec![0; 1000], "zeros");
    is_refused(&device, &vec![u32::MAX; 1000], "ones");
}

#[test]
fn broken_capabilities_and_modes_are_refused() {
    let Some(device) = Device::open() else { return };
    let good = spirv::words(SAXPY);
    let list = instructions(&good);
    for capability in [6, 12345, u32::MAX] {
        let mut words = good.clone();
        words.splice(HEADER..HEADER, [2 << 16 | OP_CAPABILITY, capability]);
        is_refused(&device, &words, &format!("capability {capability}"));
    }
    let (entry, ..) = *list.iter().find(|&&(_, op, _)| op == OP_ENTRY_POINT).expect("an entry point");
    for model in [0, 4, 6, 99] {
        let mut words = good.clone();
        words[entry + 1] = model;
        is_refused(&device, &words, &format!("execution model {model}"));
    }
    for (op, what) in
        [(14, "no memory model"), (15, "no entry point"), (16, "no workgroup size"), (54, "not a function"), (56, "no end of a function")]
    {
        let mut words = good.clone();
        for &(at, _, length) in list.iter().rev().filter(|&&(_, o, _)| o == op) {
            words.drain(at..at + length);
        }
        is_refused(&device, &words, what);
    }
}

/// The words of known instructions that hold ids, by opcode: (word, whether it is a result).
fn id_words(op: u32) -> &'static [usize] {
    match op {
        // OpTypeVector, OpTypeArray and OpTypePointer: the type that they are made of.
        23 | 28 => &[2],
        32 => &[3],
        // OpVariable and OpConstant: the type. OpLoad: the type and the pointer. OpStore: the pointer and the object. OpAccessChain: the
        // type, the base and an index.
        59 | 43 => &[1],
        61 => &[1, 3],
        62 => &[1, 2],
        65 => &[1, 3, 4],
        // OpBranch and OpBranchConditional: the labels and the condition.
        249 => &[1],
        250 => &[1, 2, 3],
        // OpFunction: the type and the function type.
        54 => &[1, 4],
        // OpIAdd, OpFAdd, OpIMul, OpFMul and OpULessThan: the type and the operands.
        128 | 129 | 132 | 133 | 176 => &[1, 3, 4],
        _ => &[],
    }
}

/// Breaks a module in a seeded way that a structural check must detect. Returns a description.
fn break_it(words: &mut Vec<u32>, random: &mut Random) -> String {
    let list = instructions(words);
    let bound = words[3];
    loop {
        let (at, op, length) = list[random.index(list.len())];
        let ids = id_words(op);
        match random.below(8) {
            0 => {
                words.truncate(HEADER + random.index(words.len() - HEADER));
                return format!("cut to {} words", words.len());
            }
            1 => {
                words[at] = op;
                return format!("opcode {op} at word {at} with length 0");
            }
            2 => {
                let too_long = (words.len() - at) as u32 + 1 + random.word() % 1000;
                words[at] = too_long << 16 | op;
                return format!("opcode {op} at word {at} with length {too_long}");
            }
            3 => {
                let unknown = 0x7000 + random.word() % 0x8000;
                words[at] = (length as u32) << 16 | unknown;
                return format!("opcode {op} at word {at} made {unknown}");
            }
            4 if !ids.is_empty() => {
                let word = at + ids[random.index(ids.len())];
                words[word] = bound.saturating_add(random.word() % 1000);
                return format!("opcode {op} at word {at}: id {} over the bound {bound}", words[word]);
            }
            5 if !ids.is_empty() => {
                words[at + ids[random.index(ids.len())]] = 0;
                return format!("opcode {op} at word {at}: id 0");
            }
            6 if !ids.is_empty() => {
                words[3] = bound + 1;
                words[at + ids[random.index(ids.len())]] = bound;
                return format!("opcode {op} at word {at}: id {bound}, which nothing defines");
            }
            7 => {
                // The definition of an id, repeated.
                let Some(&(at, op, length)) = list.iter().filter(|&&(_, op, _)| (19..=33).contains(&op)).nth(random.index(3)) else {
                    continue;
                };
                let again = words[at..at + length].to_vec();
                words.splice(at..at, again);
                return format!("opcode {op} at word {at} twice");
            }
            _ => {}
        }
    }
}

#[test]
fn two_thousand_seeded_breaks_are_refused() {
    let Some(device) = Device::open() else { return };
    let seed = Random::seed(30);
    let modules: Vec<Vec<u32>> = MODULES.iter().map(|source| spirv::words(source)).collect();
    for step in 0..2000 {
        let mut random = Random::new(seed + step);
        let mut words = modules[random.index(modules.len())].clone();
        let what = break_it(&mut words, &mut random);
        is_refused(&device, &words, &format!("AVX_GPU_TEST_SEED={seed}, step {step}: {what}"));
    }
    for words in modules {
        assert!(device.try_code(AVX_LANGUAGE_SPIRV, &spirv::bytes(&words), None).is_ok(), "{}", last_error());
    }
}

/// A module in which any word is replaced by any other may still pass a structural check. What a driver does with such a module is up to
/// the driver, so this test runs on the null driver only.
#[test]
fn any_word_may_be_any_other_on_the_null_driver() {
    let Some(device) = Device::open() else { return };
    if !device.is_mock() {
        return skip("only the null driver may get modules that were not validated");
    }
    let seed = Random::seed(32);
    let modules: Vec<Vec<u32>> = MODULES.iter().map(|source| spirv::words(source)).collect();
    for step in 0..number("AVX_GPU_TEST_MUTATIONS").unwrap_or(6000) {
        let mut random = Random::new(seed + step);
        let mut words = modules[random.index(modules.len())].clone();
        for _ in 0..=random.below(3) {
            let at = random.index(words.len());
            words[at] = match random.below(5) {
                0 => random.word(),
                1 => words[random.index(words.len())],
                2 => words[at] ^ (1 << random.below(32)),
                3 => words[at].wrapping_add(1),
                _ => random.word() % 64,
            };
        }
        match device.try_code(AVX_LANGUAGE_SPIRV, &spirv::bytes(&words), None) {
            Ok(kernel) => {
                let info = kernel_info(kernel);
                for i in 0..info.arg_count.min(20) {
                    arg_info(kernel, i);
                }
                ok(avx_kernel_free(kernel));
            }
            Err(status) => {
                let fine = REFUSALS.contains(&status) || status == AVX_ERROR_LIMIT;
                assert!(fine, "AVX_GPU_TEST_SEED={seed}, step {step}: {}: {}", name(status), last_error());
            }
        }
    }
}

#[test]
fn random_words_are_refused() {
    let Some(device) = Device::open() else { return };
    let mut random = Random::new(Random::seed(31));
    for _ in 0..500 {
        let length = 1 + random.index(200);
        let mut words: Vec<u32> = (0..length).map(|_| random.word()).collect();
        is_refused(&device, &words, "noise");
        if length > HEADER {
            words[..HEADER].copy_from_slice(&[0x0723_0203, 0x0001_0300, 0, 1000, 0]);
            is_refused(&device, &words, "noise behind a good header");
        }
    }
}

#[test]
fn odd_sizes_and_other_languages_are_refused() {
    let Some(device) = Device::open() else { return };
    let code = spirv::bytes(&spirv::words(SAXPY));
    for length in [code.len() - 1, code.len() - 2, code.len() - 3, 1, 2, 3] {
        let status = device.try_code(AVX_LANGUAGE_SPIRV, &code[..length], None).expect_err("no whole words");
        fails(status, AVX_ERROR_INVALID_SPIRV);
    }
    let status = device.try_code(AVX_LANGUAGE_WGSL, &code, None).expect_err("words as text");
    fails_with_one_of(status, &[AVX_ERROR_COMPILE, AVX_ERROR_INVALID_ARGUMENT]);
    let status = device.try_code(AVX_LANGUAGE_SPIRV, SAXPY.as_bytes(), None).expect_err("text as words");
    fails(status, AVX_ERROR_INVALID_SPIRV);
    let status = device.try_code(99, &code, None).expect_err("no such language");
    fails(status, AVX_ERROR_INVALID_ARGUMENT);
}
