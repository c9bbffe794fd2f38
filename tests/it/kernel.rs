//! Kernels from WGSL: reflection, selection of the entry point, error messages, and missing device features.

use crate::common::*;
use std::ptr::{null, null_mut};

const READ: u32 = AVX_ACCESS_READ;
const WRITE: u32 = AVX_ACCESS_WRITE;

/// The expected argument: name, kind, group, binding, access, minimum size and stride.
type Argument = (&'static str, u32, u32, u32, u32, u64, u64);

#[track_caller]
fn interface_is(device: &Device, source: &str, want: &[Argument]) {
    let kernel = device.kernel(source);
    let got: Vec<(String, u32, u32, u32, u32, u64, u64)> = (0..kernel_info(kernel).arg_count)
        .map(|i| arg_info(kernel, i))
        .map(|a| (text(&a.name), a.kind, a.group, a.binding, a.access, a.min_size, a.stride))
        .collect();
    let want: Vec<_> = want.iter().map(|a| (a.0.to_owned(), a.1, a.2, a.3, a.4, a.5, a.6)).collect();
    assert_eq!(got, want, "{source}");
    let mut beyond = avx_kernel_arg_properties::zeroed();
    fails(abi::kernel_arg_info(kernel, u32::try_from(want.len()).unwrap(), &mut beyond), AVX_ERROR_OUT_OF_RANGE);
    ok(avx_kernel_free(kernel));
}

#[test]
fn storage_arrays_and_uniform_blocks() {
    let Some(device) = Device::open() else { return };
    interface_is(
        &device,
        "struct Params { a: f32, n: u32 }
        @group(0) @binding(0) var<storage, read>       x: array<f32>;
        @group(0) @binding(1) var<storage, read_write> y: array<f32>;
        @group(0) @binding(2) var<uniform>             p: Params;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }
        }",
        &[
            ("x", AVX_BINDING_STORAGE, 0, 0, READ, 4, 4),
            ("y", AVX_BINDING_STORAGE, 0, 1, READ | WRITE, 4, 4),
            ("p", AVX_BINDING_UNIFORM, 0, 2, READ, 8, 0),
        ],
    );
}

#[test]
fn access_is_what_the_entry_point_does() {
    let Some(device) = Device::open() else { return };
    interface_is(
        &device,
        "@group(0) @binding(0) var<storage, read_write> only_written: array<u32>;
        @group(0) @binding(1) var<storage, read_write> only_read: array<u32>;
        @group(0) @binding(2) var<storage, read_write> counted: atomic<u32>;
        @group(0) @binding(3) var<storage, read_write> by_another: array<u32>;
        @group(0) @binding(4) var<storage, read_write> by_a_function: array<u32>;
        fn store(i: u32) { by_a_function[i] = 1u; }
        fn unreached() { by_another[0] = 1u; }
        @compute @workgroup_size(1) fn main() { only_written[1] = only_read[2]; atomicAdd(&counted, 1u); store(3u); }",
        &[
            ("only_written", AVX_BINDING_STORAGE, 0, 0, WRITE, 4, 4),
            ("only_read", AVX_BINDING_STORAGE, 0, 1, READ, 4, 4),
            ("counted", AVX_BINDING_STORAGE, 0, 2, READ | WRITE, 4, 0),
            ("by_a_function", AVX_BINDING_STORAGE, 0, 4, WRITE, 4, 4),
        ],
    );
}

#[test]
fn sizes_and_strides_of_structs() {
    let Some(device) = Device::open() else { return };
    interface_is(
        &device,
        "struct Head { n: u32, v: array<vec4<f32>> }
        struct Item { a: vec3<f32>, b: u32, c: vec2<f32> }
        struct Mixed { a: mat3x3<f32>, b: f32, c: array<vec2<u32>, 5> }
        @group(0) @binding(0) var<storage, read> head: Head;
        @group(0) @binding(1) var<storage, read> items: array<Item>;
        @group(0) @binding(2) var<storage, read_write> fixed: array<u32, 10>;
        @group(0) @binding(3) var<storage, read> mixed: Mixed;
        @compute @workgroup_size(1) fn main() {
            fixed[0] = head.n + u32(head.v[1].x) + items[2].b + u32(mixed.b) + mixed.c[1].x;
        }",
        &[
            ("head", AVX_BINDING_STORAGE, 0, 0, READ, 32, 16),
            ("items", AVX_BINDING_STORAGE, 0, 1, READ, 32, 32),
            ("fixed", AVX_BINDING_STORAGE, 0, 2, WRITE, 40, 0),
            ("mixed", AVX_BINDING_STORAGE, 0, 3, READ, 96, 0),
        ],
    );
}

#[test]
fn sizes_and_strides_of_vectors_and_scalars() {
    let Some(device) = Device::open() else { return };
    interface_is(
        &device,
        "@group(1) @binding(0) var<storage, read> threes: array<vec3<f32>>;
        @group(1) @binding(1) var<storage, read> one: f32;
        @group(1) @binding(2) var<uniform> block: array<vec4<f32>, 7>;
        @group(1) @binding(3) var<storage, read_write> pairs: array<vec2<f32>>;
        @compute @workgroup_size(1) fn main() { pairs[0].x = threes[3].z + one + block[2].w; }",
        &[
            ("threes", AVX_BINDING_STORAGE, 1, 0, READ, 16, 16),
            ("one", AVX_BINDING_STORAGE, 1, 1, READ, 4, 0),
            ("block", AVX_BINDING_UNIFORM, 1, 2, READ, 112, 0),
            ("pairs", AVX_BINDING_STORAGE, 1, 3, WRITE, 8, 8),
        ],
    );
}

#[test]
fn immediates_come_last() {
    let Some(device) = Device::open() else { return };
    interface_is(
        &device,
        "var<immediate> now: vec4<u32>;
        @group(2) @binding(0) var<storage, read_write> late: array<u32>;
        @group(0) @binding(3) var<storage, read_write> early: array<u32>;
        @compute @workgroup_size(1) fn main() { late[0] = now.x; early[0] = now.y; }",
        &[
            ("early", AVX_BINDING_STORAGE, 0, 3, WRITE, 4, 4),
            ("late", AVX_BINDING_STORAGE, 2, 0, WRITE, 4, 4),
            ("now", AVX_BINDING_PUSH_CONSTANTS, AVX_GROUP_PUSH_CONSTANTS, 0, READ, 16, 0),
        ],
    );
}

#[test]
fn kernel_info_tells_what_it_is() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(
        "var<workgroup> tile: array<vec4<f32>, 16>;
        @group(0) @binding(0) var<storage, read_write> out: array<f32>;
        @compute @workgroup_size(4, 2, 3) fn sum_of_tiles(@builtin(local_invocation_index) l: u32) {
            tile[l % 16u] = vec4(f32(l));
            workgroupBarrier();
            out[l] = tile[(l + 1u) % 16u].y;
        }",
    );
    let info = kernel_info(kernel);
    assert_eq!(info.workgroup_size, [4, 2, 3]);
    assert_eq!((info.arg_count, info.language, info.shared_memory), (1, AVX_LANGUAGE_WGSL, 256));
    assert_eq!((text(&info.entry_point).as_str(), text(&info.label).as_str()), ("sum_of_tiles", "sum_of_tiles"));
    assert!([AVX_BOUNDS_CHECKED, AVX_BOUNDS_HARDWARE].contains(&info.bounds), "WGSL is memory-safe by default: bounds {}", info.bounds);
    let alignment = arg_info(kernel, 0).alignment;
    assert!(alignment.is_power_of_two() && alignment <= 256);
    ok(avx_kernel_free(kernel));
}

#[test]
fn labels_and_long_names() {
    let Some(device) = Device::open() else { return };
    let entry = "n".repeat(255);
    let source = format!(
        "@group(0) @binding(0) var<storage, read_write> {}: array<u32>;
        @compute @workgroup_size(1) fn {entry}() {{ {}[0] = 1u; }}",
        "b".repeat(300),
        "b".repeat(300)
    );
    let label = c("particle step");
    let options = avx_kernel_options {
        code: source.as_ptr().cast(),
        code_size: source.len() as u64,
        label: label.as_ptr(),
        ..avx_kernel_options::zeroed()
    };
    let mut kernel = null_mut();
    ok(abi::kernel_create(device.handle, &options, &mut kernel));
    let info = kernel_info(kernel);
    assert_eq!(text(&info.label), "particle step");
    assert_eq!(text(&info.entry_point), "n".repeat(127), "cut to fit");
    assert_eq!(text(&arg_info(kernel, 0).name), "b".repeat(127), "cut to fit");
    tells(&fails(dispatch(kernel, [1, 1, 1], &[]), AVX_ERROR_ARGUMENTS), &["particle step"]);
}

const TWO: &str = "@group(0) @binding(0) var<storage, read_write> a: array<u32>;
@group(0) @binding(1) var<storage, read_write> b: array<u32>;
@compute @workgroup_size(1) fn first() { a[0] = 1u; }
@compute @workgroup_size(2) fn second() { b[0] = 2u; }";

#[test]
fn entry_points_by_name() {
    let Some(device) = Device::open() else { return };
    for (name, size, binding) in [("first", 1, 0), ("second", 2, 1)] {
        let kernel = device.try_kernel(TWO, Some(name)).expect("the entry point is there");
        let info = kernel_info(kernel);
        assert_eq!((info.workgroup_size, info.arg_count, text(&info.entry_point).as_str()), ([size, 1, 1], 1, name));
        assert_eq!(arg_info(kernel, 0).binding, binding);
        ok(avx_kernel_free(kernel));
    }
}

#[test]
fn entry_points_missing_or_ambiguous() {
    let Some(device) = Device::open() else { return };
    for (source, entry, words) in [
        (TWO, None, ["first", "second"]),
        (TWO, Some("third"), ["third", "first"]),
        (TWO, Some(""), ["first", "second"]),
        ("@compute @workgroup_size(1) fn main() {}", Some("mian"), ["mian", "main"]),
        ("fn helper() {}", None, ["entry point", "compute"]),
        ("@fragment fn shade() {}", None, ["entry point", "compute"]),
        ("@fragment fn shade() {}", Some("shade"), ["shade", "compute"]),
    ] {
        let status = device.try_kernel(source, entry).expect_err("there is no such entry point");
        tells(&fails(status, AVX_ERROR_ENTRY_POINT), &words);
    }
}

#[test]
fn compile_errors_show_where() {
    let Some(device) = Device::open() else { return };
    for (source, line, column) in [
        ("@compute @workgroup_size(1)\nfn main() {\n    let x = 1u + nothing;\n}", 3, 18),
        ("@compute @workgroup_size(1) fn main() { let x: u32 = ; }", 1, 54),
        ("// first\n// second\n\n  syntax error here", 4, 3),
    ] {
        let status = device.try_kernel(source, None).expect_err("this is not WGSL");
        let message = fails(status, AVX_ERROR_COMPILE);
        let places = [format!("{line}:{column}"), format!("line {line}, column {column}")];
        assert!(places.iter().any(|p| message.contains(p)), "the message does not say {}: {message}", places[0]);
    }
}

#[test]
fn type_errors_are_compile_errors_too() {
    let Some(device) = Device::open() else { return };
    for source in [
        "@compute @workgroup_size(1) fn main() { var x: f32 = 1u; }",
        "@group(0) @binding(0) var<storage, read> x: array<u32>; @compute @workgroup_size(1) fn main() { x[0] = 1u; }",
        "@compute @workgroup_size(0) fn main() { }",
        "fn f() { f(); } @compute @workgroup_size(1) fn main() { f(); }",
        "@group(0) @binding(0) var<storage, read_write> a: array<u32>; @group(0) @binding(0) var<storage, read_write> b: array<u32>;
        @compute @workgroup_size(1) fn main() { a[0] = b[1]; }",
        "@compute fn main() { }",
    ] {
        let status = device.try_kernel(source, None).expect_err(source);
        fails(status, AVX_ERROR_COMPILE);
    }
}

#[test]
fn features_are_there_or_refused_by_name() {
    let Some(device) = Device::open() else { return };
    let features = device.info().features;
    let out = "@group(0) @binding(0) var<storage, read_write> out: array<u32>; @compute @workgroup_size(32) fn main";
    let id = "(@builtin(local_invocation_index) l: u32)";
    for (bits, word, source) in [
        (
            AVX_FEATURE_F16 | AVX_FEATURE_STORAGE_16,
            "16",
            "enable f16; @group(0) @binding(0) var<storage, read_write> h: array<f16>;
            @compute @workgroup_size(1) fn main() { h[0] = h[1] * 2.0h; }"
                .to_owned(),
        ),
        (
            AVX_FEATURE_F64,
            "64",
            "@group(0) @binding(0) var<storage, read_write> d: array<f64>;
            @compute @workgroup_size(1) fn main() { d[0] = d[1] * 2.0lf; }"
                .to_owned(),
        ),
        (
            AVX_FEATURE_I64,
            "64",
            "@group(0) @binding(0) var<storage, read_write> q: array<u64>;
            @compute @workgroup_size(1) fn main() { q[0] = q[1] * 3lu; }"
                .to_owned(),
        ),
        (
            AVX_FEATURE_I64 | AVX_FEATURE_ATOMIC_I64,
            "64",
            "@group(0) @binding(0) var<storage, read_write> q: array<atomic<u64>>;
            @compute @workgroup_size(1) fn main() { _ = atomicAdd(&q[0], 3lu); }"
                .to_owned(),
        ),
        (
            AVX_FEATURE_ATOMIC_F32_ADD,
            "atomic",
            "@group(0) @binding(0) var<storage, read_write> f: array<atomic<f32>>;
            @compute @workgroup_size(1) fn main() { _ = atomicAdd(&f[0], 3.0); }"
                .to_owned(),
        ),
        (AVX_FEATURE_SUBGROUP_ARITHMETIC, "subgroup", format!("{out}{id} {{ out[l] = subgroupAdd(l); }}")),
        (AVX_FEATURE_SUBGROUP_SHUFFLE, "subgroup", format!("enable subgroups; {out}{id} {{ out[l] = subgroupShuffle(l, 3u); }}")),
        (AVX_FEATURE_SUBGROUP_VOTE, "subgroup", format!("{out}{id} {{ out[l] = u32(subgroupAll(l < 100u)); }}")),
        (AVX_FEATURE_SUBGROUP_BALLOT, "subgroup", format!("{out}{id} {{ out[l] = subgroupBallot(l < 100u).x; }}")),
    ] {
        match device.try_kernel(&source, None) {
            Ok(kernel) => {
                assert!(features & bits == bits, "the features {:#x} are not stated, yet this compiles: {source}", bits & !features);
                ok(avx_kernel_free(kernel));
            }
            Err(status) => {
                let message = fails(status, AVX_ERROR_UNSUPPORTED);
                assert!(features & bits != bits, "the device states {bits:#x}, yet: {message}");
                tells(&message, &[word]);
                let baseline = std::env::var("AVX_GPU_BASELINE").is_ok_and(|value| value == "1");
                assert!(baseline || message.contains("of this machine"), "{message}");
            }
        }
    }
}

#[test]
fn beyond_the_limits_of_the_device() {
    let Some(device) = Device::open() else { return };
    let info = device.info();
    let invocations = info.max_workgroup_invocations;
    let over = info.max_workgroup_size.map(|s| u64::from(s) + 1);
    for (source, number) in [
        (format!("@compute @workgroup_size({}) fn main() {{ }}", over[0]), over[0]),
        (format!("@compute @workgroup_size(1, 1, {}) fn main() {{ }}", over[2]), over[2]),
        (
            format!(
                "var<workgroup> w: array<u32, {}>; @compute @workgroup_size(1) fn main() {{ w[0] = w[1]; }}",
                info.max_shared_memory / 4 + 1
            ),
            u64::from(info.max_shared_memory),
        ),
        (
            format!(
                "@group({}) @binding(0) var<storage, read_write> a: array<u32>; @compute @workgroup_size(1) fn main() {{ a[0] = 1u; }}",
                info.max_groups
            ),
            u64::from(info.max_groups),
        ),
    ] {
        let status = device.try_kernel(&source, None).expect_err(&source);
        tells(&fails(status, AVX_ERROR_LIMIT), &[&number.to_string()]);
    }
    let (x, y) = (info.max_workgroup_size[0], info.max_workgroup_size[1]);
    if u64::from(x) * u64::from(y) > u64::from(invocations) {
        let source = format!("@compute @workgroup_size({x}, {y}) fn main() {{ }}");
        let status = device.try_kernel(&source, None).expect_err("too many invocations");
        tells(&fails(status, AVX_ERROR_LIMIT), &[&invocations.to_string()]);
    }
}

#[test]
fn what_the_driver_tells_of_a_kernel() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(TWO_GROUPS);
    let (info, limits) = (kernel_info(kernel), device.info());
    assert!((limits.subgroup_size_min..=limits.subgroup_size_max).contains(&info.subgroup_size), "{}", info.subgroup_size);
    let told = text(&info.statistics);
    // A line "name: number", or an empty text. The error message must contain it.
    assert!(told.is_empty() || told.split("; ").all(|one| one.contains(": ")), "{told}");
    for number in [info.registers, info.local_memory] {
        assert!(number == AVX_UNKNOWN || told.contains(&format!(": {number}")), "{number} in {told}");
    }
    if text(&limits.vendor) == "NVIDIA" && !told.is_empty() {
        assert!((1..=255).contains(&info.registers), "{told}");
    }
    ok(avx_kernel_free(kernel));
}

#[test]
fn text_with_a_size_and_text_with_a_nul() {
    let Some(device) = Device::open() else { return };
    let source = c("@compute @workgroup_size(1) fn main() { }");
    let length = source.as_bytes().len() as u64;
    let mut kernel = null_mut();
    for code_size in [0, length] {
        let options = avx_kernel_options { code: source.as_ptr().cast(), code_size, ..avx_kernel_options::zeroed() };
        ok(abi::kernel_create(device.handle, &options, &mut kernel));
        ok(avx_kernel_free(kernel));
    }
    kernel = null_mut();
    let options = avx_kernel_options { code: source.as_ptr().cast(), code_size: length - 1, ..avx_kernel_options::zeroed() };
    fails(abi::kernel_create(device.handle, &options, &mut kernel), AVX_ERROR_COMPILE);
    let options = avx_kernel_options { code: null(), code_size: 10, ..avx_kernel_options::zeroed() };
    fails(abi::kernel_create(device.handle, &options, &mut kernel), AVX_ERROR_INVALID_ARGUMENT);
    assert!(kernel.is_null());
}

#[test]
fn the_same_source_many_times() {
    let Some(device) = Device::open() else { return };
    let kernels: Vec<avx_kernel> = (0..200).map(|_| device.kernel(TWO_GROUPS)).collect();
    for (i, &kernel) in kernels.iter().enumerate() {
        assert!(!kernels[..i].contains(&kernel), "two kernels with one handle");
    }
    for kernel in kernels {
        ok(avx_kernel_free(kernel));
        let mut properties = avx_kernel_properties::zeroed();
        fails(abi::kernel_info(kernel, &mut properties), AVX_ERROR_INVALID_HANDLE);
    }
}

const TWO_GROUPS: &str = "@group(0) @binding(0) var<storage, read_write> a: array<u32>;
@group(1) @binding(0) var<storage, read_write> b: array<u32>;
@compute @workgroup_size(64) fn main() { a[0] = b[0]; }";
