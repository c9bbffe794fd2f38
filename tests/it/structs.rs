//! Structs that may grow: the library accepts, rejects or fills them according to their struct_size.

use crate::common::*;
use std::ptr::null_mut;

/// A struct as a newer header might declare it, or with memory behind it that the library must not touch.
#[repr(C)]
#[derive(Clone, Copy)]
struct Longer<T> {
    base: T,
    tail: [u64; 4],
}

const TAIL: [u64; 4] = [0x1111_2222_3333_4444; 4];

/// Two fill patterns for the memory of an output. A byte that keeps its value with both patterns was not written by the call.
const PATTERNS: [u8; 2] = [0xA5, 0x5A];

/// The contents of memory that a call has not written.
const UNTOUCHED: u64 = 0xA5A5_A5A5_A5A5_A5A5;

fn size_of_longer<T>() -> u32 {
    u32::try_from(size_of::<Longer<T>>()).expect("small")
}

/// Tries every struct_size of an input. A size of 0 to 3 does not include the field itself, the right size is accepted, and a
/// larger size is accepted if the tail is zero.
fn input<T: Zeroed>(what: &str, base: T, set: impl Fn(&mut T, u32), call: impl Fn(*const T) -> avx_status) {
    let full = u32::try_from(size_of::<T>()).expect("small");
    for size in 0..4 {
        let mut options = base;
        set(&mut options, size);
        assert!(call(&options) == AVX_ERROR_INVALID_ARGUMENT, "{what} with struct_size {size}");
    }
    for size in (4..full).step_by(4) {
        let mut options = base;
        set(&mut options, size);
        let status = call(&options);
        assert!([AVX_OK, AVX_ERROR_INVALID_ARGUMENT].contains(&status), "{what} with struct_size {size}: {}", name(status));
    }
    let mut longer = Longer { base, tail: [0; 4] };
    for size in [full, full + 8, full + 32] {
        set(&mut longer.base, size);
        ok(call((&raw const longer).cast()));
    }
    for word in 0..4 {
        longer.tail = [0; 4];
        longer.tail[word] = 1 << 56;
        set(&mut longer.base, full + 32);
        let message = fails(call((&raw const longer).cast()), AVX_ERROR_INVALID_ARGUMENT);
        tells(&message, &["struct_size"]);
        set(&mut longer.base, full + 8 * u32::try_from(word).expect("few"));
        ok(call((&raw const longer).cast()));
    }
    for size in [1 << 20, u32::MAX] {
        // No version has a struct of this size, so the library must not read that far.
        let mut options = base;
        set(&mut options, size);
        assert!(call(&options) == AVX_ERROR_INVALID_ARGUMENT, "{what} with struct_size {size}");
    }
}

/// Tries every struct_size of an output. Bytes beyond struct_size stay unchanged, and an unknown tail becomes zero.
fn output<T: Zeroed>(what: &str, size_of_base: impl Fn(&T) -> u32, set: impl Fn(&mut T, u32), call: impl Fn(*mut T) -> avx_status) {
    let full = u32::try_from(size_of::<T>()).expect("small");
    for size in 0..4 {
        let mut properties = Longer { base: T::zeroed(), tail: TAIL };
        set(&mut properties.base, size);
        assert!(call((&raw mut properties).cast()) == AVX_ERROR_INVALID_ARGUMENT, "{what} with struct_size {size}");
        assert_eq!(properties.tail, TAIL);
    }
    for size in [4, 8, 12, 16, full / 2, full - 1, full] {
        let mut words = vec![UNTOUCHED; full as usize / 8 + 8];
        words[0] = UNTOUCHED & !0xFFFF_FFFF | u64::from(size);
        let status = call(words.as_mut_ptr().cast());
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert!(bytes[size as usize..].iter().all(|&b| b == 0xA5), "{what}: wrote beyond a struct_size of {size}");
        assert!([AVX_OK, AVX_ERROR_INVALID_ARGUMENT].contains(&status), "{what} with struct_size {size}: {}", name(status));
        if status == AVX_OK {
            let filled = u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"));
            assert!((4..=size).contains(&filled), "{what}: {filled} bytes filled of {size}");
        }
    }
    let filled = PATTERNS.map(|pattern| {
        let mut words = vec![u64::from_ne_bytes([pattern; 8]); size_of::<Longer<T>>() / 8];
        words[0] = words[0] & !0xFFFF_FFFF | u64::from(size_of_longer::<T>());
        ok(call(words.as_mut_ptr().cast()));
        words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
    });
    for (i, (a, b)) in filled[0].iter().zip(&filled[1]).enumerate() {
        assert!([*a, *b] != PATTERNS, "{what}: byte {i} is not written");
    }
    let mut longer = Longer { base: T::zeroed(), tail: TAIL };
    set(&mut longer.base, size_of_longer::<T>());
    ok(call((&raw mut longer).cast()));
    assert_eq!(longer.tail, [0; 4], "{what}: an unknown tail is zeroed");
    assert_eq!(size_of_base(&longer.base), full, "{what}: the filled size");
    let mut longer = Longer { base: T::zeroed(), tail: TAIL };
    ok(call((&raw mut longer).cast()));
    assert_eq!(longer.tail, TAIL, "{what}: wrote beyond struct_size");
    assert_eq!(size_of_base(&longer.base), full);
}

#[test]
fn device_options() {
    let Some(device) = Device::open() else { return };
    drop(device);
    let no_cache = c("");
    let base = avx_device_options { cache_dir: no_cache.as_ptr(), ..avx_device_options::zeroed() };
    let call = |options: *const avx_device_options| {
        let mut device = null_mut();
        let status = abi::create(options, &mut device);
        ok(avx_destroy(device));
        status
    };
    input("avx_create", base, |o, size| o.struct_size = size, call);
}

#[test]
fn buffer_options() {
    let Some(device) = Device::open() else { return };
    let base = avx_buffer_options { size: 100, ..avx_buffer_options::zeroed() };
    let call = |options: *const avx_buffer_options| {
        let mut buffer = null_mut();
        let status = abi::buffer_create(device.handle, options, &mut buffer);
        ok(avx_free(buffer));
        status
    };
    input("avx_buffer_create", base, |o, size| o.struct_size = size, call);
}

#[test]
fn kernel_options() {
    let Some(device) = Device::open() else { return };
    let source = c("@compute @workgroup_size(1) fn main() { }");
    let base = avx_kernel_options { code: source.as_ptr().cast(), ..avx_kernel_options::zeroed() };
    let call = |options: *const avx_kernel_options| {
        let mut kernel = null_mut();
        let status = abi::kernel_create(device.handle, options, &mut kernel);
        ok(avx_kernel_free(kernel));
        status
    };
    input("avx_kernel_create", base, |o, size| o.struct_size = size, call);
}

#[test]
fn device_properties() {
    let Some(device) = Device::open() else { return };
    output::<avx_device_properties>("avx_device_info", |p| p.struct_size, |p, s| p.struct_size = s, |p| abi::device_info(device.handle, p));
    output::<avx_device_properties>("avx_device_describe", |p| p.struct_size, |p, s| p.struct_size = s, |p| abi::device_describe(0, p));
}

#[test]
fn memory_usage() {
    let Some(device) = Device::open() else { return };
    output::<avx_memory_usage>("avx_device_memory", |p| p.struct_size, |p, s| p.struct_size = s, |p| abi::memory_info(device.handle, p));
}

#[test]
fn buffer_properties() {
    let Some(device) = Device::open() else { return };
    let buffer = device.alloc(10, AVX_MEMORY_DEVICE);
    output::<avx_buffer_properties>("avx_buffer_info", |p| p.struct_size, |p, s| p.struct_size = s, |p| abi::buffer_info(buffer, p));
}

#[test]
fn kernel_and_argument_properties() {
    let Some(device) = Device::open() else { return };
    let kernel =
        device.kernel("@group(0) @binding(0) var<storage, read_write> x: array<u32>; @compute @workgroup_size(1) fn main() { x[0] = 1u; }");
    output::<avx_kernel_properties>("avx_kernel_info", |p| p.struct_size, |p, s| p.struct_size = s, |p| abi::kernel_info(kernel, p));
    output::<avx_kernel_arg_properties>(
        "avx_kernel_arg_info",
        |p| p.struct_size,
        |p, s| p.struct_size = s,
        |p| abi::kernel_arg_info(kernel, 0, p),
    );
}

#[test]
fn outputs_stay_as_they_were_on_failure() {
    let Some(device) = Device::open() else { return };
    let mut properties = avx_buffer_properties { memory: 77, size: 88, ..avx_buffer_properties::zeroed() };
    fails(abi::buffer_info(std::ptr::without_provenance_mut(5), &mut properties), AVX_ERROR_INVALID_HANDLE);
    assert_eq!((properties.memory, properties.size), (77, 88));
    let mut properties = avx_device_properties { vendor_id: 99, ..avx_device_properties::zeroed() };
    fails(abi::device_describe(u32::MAX, &mut properties), AVX_ERROR_OUT_OF_RANGE);
    assert_eq!(properties.vendor_id, 99);
    drop(device);
}
