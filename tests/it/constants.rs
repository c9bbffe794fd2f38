//! The options of a kernel: values of constants, unchecked accesses, subgroup sizes.

use crate::common::random::Random;
use crate::common::*;
use std::ptr::{null, null_mut};

/// Overrides for a scale and a count. One of them determines the workgroup size.
const SOURCE: &str = "override WIDTH: u32; @id(3) override SCALE: f32 = 1.0; override BIAS: i32 = 0; override NEGATE = false;
var<workgroup> tile: array<f32, WIDTH>;
@group(0) @binding(0) var<storage, read_write> data: array<f32>;
@compute @workgroup_size(WIDTH) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    tile[i] = data[id.x] * SCALE + f32(BIAS);
    workgroupBarrier();
    data[id.x] = select(1.0, -1.0, NEGATE) * tile[WIDTH - 1u - i];
}";

fn options(source: &str) -> avx_kernel_options {
    avx_kernel_options { code: source.as_ptr().cast(), code_size: source.len() as u64, ..avx_kernel_options::zeroed() }
}

/// The bits of floats.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Creates a kernel with constants: each has a name or, if the name is empty, an id, and a value.
fn create(device: &Device, base: avx_kernel_options, constants: &[(&str, u32, f64)]) -> Result<avx_kernel, avx_status> {
    let names: Vec<_> = constants.iter().map(|(name, ..)| c(name)).collect();
    let list: Vec<avx_constant> = constants
        .iter()
        .zip(&names)
        .map(|((name, id, value), text)| {
            let name = if name.is_empty() { null() } else { text.as_ptr() };
            avx_constant { name, id: *id, kind: AVX_CONSTANT_NUMBER, value: *value, bits: 0 }
        })
        .collect();
    let options = avx_kernel_options { constants: list.as_ptr(), constant_count: list.len() as u32, ..base };
    let mut kernel = null_mut();
    match abi::kernel_create(device.handle, &options, &mut kernel) {
        AVX_OK => Ok(kernel),
        status => Err(status),
    }
}

#[test]
fn overrides_by_name_and_by_id() {
    let Some(device) = Device::open_computing() else { return };
    let start: Vec<f32> = (0..64).map(|i| i as f32).collect();
    for (width, scale, bias, negate) in [(4usize, 2.5, -3, 0.0), (16, 0.5, 7, 1.0), (4, 2.5, 100, 0.0)] {
        let constants = [("WIDTH", 0, width as f64), ("", 3, scale), ("BIAS", 0, f64::from(bias)), ("NEGATE", 0, negate)];
        let kernel = create(&device, options(SOURCE), &constants).unwrap();
        assert_eq!(kernel_info(kernel).workgroup_size, [width as u32, 1, 1]);
        let buffer = device.buffer_of(&bytes_of(&bits(&start)));
        ok(dispatch(kernel, [64 / width as u32, 1, 1], &[arg_buffer(buffer)]));
        let got = device.read(buffer, 0, 256);
        let sign = if negate == 0.0 { 1.0 } else { -1.0 };
        let want: Vec<f32> = (0..64)
            .map(|i| {
                let from = i / width * width + width - 1 - i % width;
                sign * (start[from] * scale as f32 + bias as f32)
            })
            .collect();
        assert_eq!(got, bytes_of(&bits(&want)), "{constants:?}");
        ok(avx_free(buffer));
        ok(avx_kernel_free(kernel));
    }
}

#[test]
fn constants_that_do_not_fit_are_named() {
    let Some(device) = Device::open() else { return };
    let width = ("WIDTH", 0, 4.0);
    for (constants, told) in [
        (vec![width, ("SCALES", 0, 1.0)], vec!["SCALES", "did you mean \"SCALE\"", "SCALE (id 3)"]),
        (vec![width, ("", 7, 1.0)], vec!["id 7", "SCALE (id 3)"]),
        (vec![width, ("", 3, 1.0), ("SCALE", 0, 2.0)], vec!["SCALE", "twice"]),
        (vec![("WIDTH", 0, 3.5)], vec!["WIDTH", "u32", "3.5"]),
        (vec![width, ("BIAS", 0, 3e9)], vec!["BIAS", "i32", "3000000000"]),
        (vec![width, ("SCALE", 0, f64::NAN)], vec!["SCALE", "f32", "NaN"]),
    ] {
        let status = create(&device, options(SOURCE), &constants).expect_err("a constant that does not fit");
        tells(&fails(status, AVX_ERROR_ARGUMENTS), &told);
    }
    let status = create(&device, options(SOURCE), &[]).expect_err("a constant without a value");
    tells(&fails(status, AVX_ERROR_COMPILE), &["WIDTH", "neither a value nor a default", ":1:"]);
    let limit = device.info().max_workgroup_size[0];
    let status = create(&device, options(SOURCE), &[("WIDTH", 0, f64::from(limit) + 1.0)]).expect_err("too wide");
    tells(&fails(status, AVX_ERROR_LIMIT), &[&limit.to_string()]);
    // Invalid arrays of constants.
    let mut kernel = null_mut();
    let constant = avx_constant { name: null(), id: 3, kind: 2, value: 1.0, bits: 0 };
    let number_with_bits = avx_constant { kind: AVX_CONSTANT_NUMBER, bits: 1, ..constant };
    let bits_with_number = avx_constant { kind: AVX_CONSTANT_BITS, bits: 1, ..constant };
    for base in [
        avx_kernel_options { constants: null(), constant_count: 1, ..options(SOURCE) },
        avx_kernel_options { constants: &constant, constant_count: 1, ..options(SOURCE) },
        avx_kernel_options { constants: &number_with_bits, constant_count: 1, ..options(SOURCE) },
        avx_kernel_options { constants: &bits_with_number, constant_count: 1, ..options(SOURCE) },
    ] {
        fails(abi::kernel_create(device.handle, &base, &mut kernel), AVX_ERROR_INVALID_ARGUMENT);
    }
}

#[test]
fn overrides_by_their_bits() {
    let Some(device) = Device::open_computing() else { return };
    let names = ["WIDTH", "SCALE", "BIAS", "NEGATE"].map(c);
    let list = [(0, 4), (1, u64::from(0.5f32.to_bits())), (2, u64::from((-3i32).cast_unsigned())), (3, 1)]
        .map(|(name, bits): (usize, u64)| avx_constant { name: names[name].as_ptr(), id: 0, kind: AVX_CONSTANT_BITS, value: 0.0, bits });
    let base = avx_kernel_options { constants: list.as_ptr(), constant_count: 4, ..options(SOURCE) };
    let mut kernel = null_mut();
    ok(abi::kernel_create(device.handle, &base, &mut kernel));
    let buffer = device.buffer_of(&bytes_of(&bits(&[2.0; 64])));
    ok(dispatch(kernel, [16, 1, 1], &[arg_buffer(buffer)]));
    assert_eq!(device.read(buffer, 0, 256), bytes_of(&bits(&[2.0; 64])));
    for (name, wrong, told) in [(0, 1 << 32, "do not fit"), (3, 2, "do not fit"), (1, 0x7f80_0000, "are not finite")] {
        let mut list = list;
        list[name].bits = wrong;
        let base = avx_kernel_options { constants: list.as_ptr(), ..base };
        tells(&fails(abi::kernel_create(device.handle, &base, &mut kernel), AVX_ERROR_ARGUMENTS), &[told]);
    }
}

/// A double loses the last bit of the first of these values.
#[test]
fn integers_of_64_bits_to_the_last() {
    let Some(device) = Device::open_computing() else { return };
    let source = "@group(0) @binding(0) var<storage, read_write> data: array<u32>;
        @compute @workgroup_size(1) fn main() { let n = 81985529216486895lu; data[0] = u32(n & 0xfffffffflu); data[1] = u32(n >> 32u); }";
    if device.info().features & AVX_FEATURE_I64 == 0 {
        eprintln!("skipped: the device has no 64-bit integers");
        return;
    }
    let code = spirv::bytes(&spirv::specializable_long(&spirv::words(source), 81_985_529_216_486_895, 9));
    for want in [9_007_199_254_740_993u64, u64::MAX, u64::MAX - 1, 1 << 63, 81_985_529_216_486_895] {
        let constant = avx_constant { name: null(), id: 9, kind: AVX_CONSTANT_BITS, value: 0.0, bits: want };
        let options = avx_kernel_options {
            language: AVX_LANGUAGE_SPIRV,
            code: code.as_ptr().cast(),
            code_size: code.len() as u64,
            constants: &constant,
            constant_count: 1,
            ..avx_kernel_options::zeroed()
        };
        let mut kernel = null_mut();
        ok(abi::kernel_create(device.handle, &options, &mut kernel));
        let buffer = device.alloc(8, AVX_MEMORY_DEVICE);
        ok(dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]));
        assert_eq!(device.read(buffer, 0, 8), want.to_le_bytes());
        ok(avx_free(buffer));
        ok(avx_kernel_free(kernel));
    }
}

#[test]
fn specialization_constants() {
    let Some(device) = Device::open_computing() else { return };
    let source = "@group(0) @binding(0) var<storage, read_write> data: array<u32>;
        @compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3<u32>) { data[id.x] = id.x * 12345u; }";
    let code = spirv::bytes(&spirv::specializable(&spirv::words(source), 12345, 9));
    let base = avx_kernel_options {
        language: AVX_LANGUAGE_SPIRV,
        code: code.as_ptr().cast(),
        code_size: code.len() as u64,
        ..avx_kernel_options::zeroed()
    };
    for (constants, factor) in [(vec![], 12345), (vec![("", 9, 3.0)], 3), (vec![("", 9, 4294967295.0)], u32::MAX)] {
        let kernel = create(&device, base, &constants).unwrap();
        let buffer = device.alloc(32, AVX_MEMORY_DEVICE);
        ok(dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]));
        assert_eq!(device.words(buffer, 8), (0..8u32).map(|i| i.wrapping_mul(factor)).collect::<Vec<_>>());
        ok(avx_free(buffer));
        ok(avx_kernel_free(kernel));
    }
    let status = create(&device, base, &[("", 9, -1.0)]).expect_err("negative");
    tells(&fails(status, AVX_ERROR_ARGUMENTS), &["id 9", "u32", "-1"]);
}

#[test]
fn unchecked_kernels_compute_the_same() {
    let Some(device) = Device::open_computing() else { return };
    let source = "@group(0) @binding(0) var<storage, read_write> data: array<u32>; var<workgroup> w: array<u32, 64>;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
            w[i] = data[63u - i]; workgroupBarrier(); data[i] = w[(i * 7u) % 64u]; }";
    let mut random = Random::new(5);
    let start: Vec<u32> = (0..64).map(|_| random.word()).collect();
    let want: Vec<u32> = (0..64).map(|i| start[63 - (i * 7) % 64]).collect();
    for (flags, bounds) in [(0, Some(AVX_BOUNDS_CHECKED)), (AVX_KERNEL_UNCHECKED, None)] {
        let kernel = create(&device, avx_kernel_options { flags, ..options(source) }, &[]).unwrap();
        let told = kernel_info(kernel).bounds;
        assert!(bounds.map_or(told != AVX_BOUNDS_CHECKED, |bounds| told == bounds), "bounds {told}");
        let buffer = device.buffer_of_words(&start);
        ok(dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]));
        assert_eq!(device.words(buffer, 64), want);
        ok(avx_free(buffer));
    }
}

#[test]
fn subgroup_sizes() {
    let Some(device) = Device::open_computing() else { return };
    let source = "@group(0) @binding(0) var<storage, read_write> data: array<u32>;
        @compute @workgroup_size(128) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(subgroup_size) size: u32) {
            data[id.x] = size; }";
    let info = device.info();
    for size in [1, 2, 3, 4, 8, 16, 32, 64, 128, 256] {
        for flags in [0, AVX_KERNEL_FULL_SUBGROUPS] {
            let base = avx_kernel_options { subgroup_size: size, flags, ..options(source) };
            match create(&device, base, &[]) {
                Ok(kernel) => {
                    assert!((info.subgroup_size_min..=info.subgroup_size_max).contains(&size) && size.is_power_of_two());
                    let buffer = device.alloc(512, AVX_MEMORY_DEVICE);
                    ok(dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]));
                    assert_eq!(device.words(buffer, 128), [size; 128]);
                    ok(avx_free(buffer));
                }
                Err(AVX_ERROR_LIMIT) => tells(&last_error(), &["subgroups"]),
                Err(status) => {
                    let message = fails(status, AVX_ERROR_UNSUPPORTED);
                    // A device may lack subgroup operations altogether.
                    assert!(["subgroup", "full", "Group"].iter().any(|word| message.contains(word)), "{message}");
                }
            }
        }
    }
    // The default subgroup size needs no feature for fixed sizes.
    if info.subgroup_size_min == info.subgroup_size_max && info.subgroup_size > 1 {
        let plain = "@compute @workgroup_size(64) fn main() { }";
        create(&device, avx_kernel_options { subgroup_size: info.subgroup_size, ..options(plain) }, &[]).unwrap();
    }
    // A workgroup that is narrower than a subgroup has no full subgroups.
    let narrow = "@compute @workgroup_size(1) fn main() { }";
    let base = avx_kernel_options { flags: AVX_KERNEL_FULL_SUBGROUPS, ..options(narrow) };
    if info.subgroup_size > 1 {
        let status = create(&device, base, &[]).expect_err("one invocation is no full subgroup");
        assert!([AVX_ERROR_LIMIT, AVX_ERROR_UNSUPPORTED].contains(&status), "{}", last_error());
        tells(&last_error(), &["full subgroups"]);
    }
}

#[test]
fn variants_of_one_text_from_many_threads() {
    let Some(device) = Device::open_computing() else { return };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let device = &device;
            scope.spawn(move || {
                for i in 0..4u32 {
                    let scale = f64::from(thread * 4 + i);
                    let kernel = create(device, options(SOURCE), &[("WIDTH", 0, 8.0), ("SCALE", 0, scale)]).unwrap();
                    let buffer = device.buffer_of(&bytes_of(&bits(&[1.0; 8])));
                    ok(dispatch(kernel, [1, 1, 1], &[arg_buffer(buffer)]));
                    assert_eq!(device.read(buffer, 0, 32), bytes_of(&bits(&[scale as f32; 8])));
                    ok(avx_free(buffer));
                    ok(avx_kernel_free(kernel));
                }
            });
        }
    });
}
