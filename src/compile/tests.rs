//! Tests of the layer as a whole: WGSL compiles to valid SPIR-V with its interface, and every error has its message.

use rspirv::spirv::{Capability, Op};

use super::*;
use crate::compile::base::error::ErrorKind;
use crate::compile::spirv::module::Module;
use crate::compile::testing::*;

mod corpus;

const SAXPY: &str = "struct Params { a: f32, n: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             p: Params;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }
}
";

/// The argument with this name.
fn arg<'k>(kernel: &'k CompiledKernel, name: &str) -> &'k Binding {
    kernel.interface.args.iter().find(|arg| arg.name == name).unwrap_or_else(|| panic!("{name}: {:?}", kernel.interface))
}

/// Compiles for every Vulkan version, with and without reports, validates all outputs, and returns the last kernel.
fn valid(source: &str) -> CompiledKernel {
    let mut last = None;
    for (environment, target) in targets() {
        let kernel = compile_for(source, None, &target).unwrap_or_else(|error| panic!("{environment}: {error}"));
        validate(&kernel.spirv, environment);
        let again = spirv(&bytes(&kernel.spirv), &Request::default(), &target).unwrap_or_else(|error| panic!("{environment}: {error}"));
        assert_eq!(again.interface, kernel.interface);
        let reporting = compile_as(source, None, &target, true).unwrap_or_else(|error| panic!("{environment}, reporting: {error}"));
        validate(&reporting.spirv, environment);
        assert_eq!(reporting.interface, kernel.interface);
        last = Some(kernel);
    }
    last.unwrap()
}

/// The error for a text on the default test device.
fn refused(source: &str) -> Error {
    compile(source).map(|kernel| kernel.interface).unwrap_err()
}

#[test]
fn saxpy() {
    let kernel = valid(SAXPY);
    let interface = &kernel.interface;
    assert_eq!((interface.entry.as_str(), interface.workgroup_size), ("main", [256, 1, 1]));
    assert!(interface.reads_global_id && !interface.reads_num_workgroups && !interface.has_raw_addresses);
    assert_eq!(interface.capabilities, [Capability::Shader]);
    let storage = |binding, name: &str, write| Binding {
        group: 0,
        binding,
        kind: BindingKind::Storage,
        name: name.into(),
        read: true,
        write,
        atomic_only: false,
        min_size: 4,
        padded_size: 4,
        stride: 4,
        aliased: false,
    };
    let params = Binding { kind: BindingKind::Uniform, min_size: 8, padded_size: 16, stride: 0, ..storage(2, "p", false) };
    assert_eq!(interface.args, [storage(0, "x", false), storage(1, "y", true), params]);
}

#[test]
fn sizes_of_arguments() {
    let kernel = valid(
        "struct Tail { head: u32, rows: array<vec3<f32>> }
        struct Fixed { a: vec3<f32>, b: f32, c: mat3x3<f32>, d: array<vec3<f32>, 2> }
        struct Push { a: vec3<f32>, b: u32, c: u32 }
        @group(0) @binding(0) var<storage, read_write> tail: Tail;
        @group(0) @binding(1) var<storage, read_write> fixed: Fixed;
        @group(1) @binding(0) var<storage, read_write> vec: vec3<f32>;
        @group(1) @binding(7) var<uniform> fixed_uniform: Fixed;
        @group(2) @binding(1) var<storage, read_write> nested: array<array<vec2<f32>, 3>>;
        var<immediate> push: Push;
        @compute @workgroup_size(1) fn main() {
            tail.rows[tail.head] = fixed.d[0] + fixed_uniform.a + push.a + vec;
            fixed.d[1] = fixed_uniform.d[0] + f32(push.c);
            vec.x = nested[0][1].x; nested[1][2].y = vec.y;
        }",
    );
    let sizes = |name| (arg(&kernel, name).min_size, arg(&kernel, name).padded_size, arg(&kernel, name).stride);
    assert_eq!(sizes("tail"), (32, 32, 16));
    assert_eq!(sizes("fixed"), (92, 92, 0));
    assert_eq!(sizes("fixed_uniform"), (92, 96, 0));
    assert_eq!(sizes("vec"), (12, 12, 0));
    assert_eq!(sizes("nested"), (24, 24, 24));
    assert_eq!(sizes("push"), (20, 32, 0));
    let order: Vec<&str> = kernel.interface.args.iter().map(|arg| arg.name.as_str()).collect();
    assert_eq!(order, ["tail", "fixed", "vec", "fixed_uniform", "nested", "push"]);
    assert_eq!(kernel.interface.args.last().unwrap().kind, BindingKind::PushConstants);
}

#[test]
fn access_of_arguments() {
    let kernel = valid(
        "@group(0) @binding(0) var<storage, read_write> only_written: array<u32>;
        @group(0) @binding(1) var<storage, read_write> only_read: array<u32>;
        @group(0) @binding(2) var<storage, read_write> counted: array<atomic<u32>>;
        @group(0) @binding(3) var<storage, read_write> measured: array<u32>;
        @group(0) @binding(4) var<storage, read_write> unused: array<u32>;
        @group(0) @binding(5) var<storage, read_write> called: array<u32, 4>;
        @group(0) @binding(6) var<storage, read> by_another: array<u32>;
        fn helper(i: u32) -> u32 { called[i & 3u] = i; return called[0]; }
        fn never() -> u32 { return by_another[0]; }
        @compute @workgroup_size(64) fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
            only_written[w.x] = only_read[w.x] + arrayLength(&measured) + helper(n.x);
            atomicAdd(&counted[w.x], 1u);
        }",
    );
    let access = |name| (arg(&kernel, name).read, arg(&kernel, name).write, arg(&kernel, name).atomic_only);
    assert_eq!(access("only_written"), (false, true, false));
    assert_eq!(access("only_read"), (true, false, false));
    assert_eq!(access("counted"), (true, true, true));
    assert_eq!(access("measured"), (false, false, false));
    assert_eq!(access("called"), (true, true, false));
    assert_eq!(kernel.interface.args.len(), 5);
    assert!(kernel.interface.reads_num_workgroups && !kernel.interface.reads_global_id);
}

#[test]
fn what_the_compiler_takes() {
    for source in [
        "enable f16; @group(0) @binding(0) var<storage, read_write> b: array<f16>; @group(0) @binding(1) var<uniform> u: vec4<f16>;
        @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { b[i] = b[i] * u.x; }",
        "enable subgroups; @group(0) @binding(0) var<storage, read_write> b: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { b[i] = subgroupAdd(b[i]); subgroupBarrier(); b[i] += subgroupBroadcast(b[i], 0u); }",
        "enable f16, subgroups; // enable subgroups;
        @group(0) @binding(0) var<storage, read_write> b: array<f16>;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { b[i] = subgroupMax(b[i]); }",
        "@group(0) @binding(0) var<storage, read_write> b: array<u64>; @group(0) @binding(1) var<storage, read_write> a: atomic<u64>;
        @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { b[i] = b[i] * 3lu; atomicAdd(&a, b[i]); }",
        "@group(0) @binding(0) var<storage, read_write> b: array<f64>;
        @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { b[i] = sqrt(b[i]) + abs(b[i]) * 2.0lf; }",
        "enable wgpu_int16; @group(0) @binding(0) var<storage, read_write> b: array<i16>;
        @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { b[i] = b[i] + i16(i); }",
        "override N: u32 = 64u; override M = N * 2u; var<workgroup> tile: array<u32, M>;
        @group(0) @binding(0) var<storage, read_write> b: array<u32>;
        @compute @workgroup_size(N) fn main(@builtin(local_invocation_index) i: u32) {
            tile[i] = b[i]; workgroupBarrier(); b[i] = tile[M - 1u - i]; }",
        "@group(0) @binding(0) var<storage, read_write> b: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) {
            b[i] = dot4U8Packed(b[i], 7u); loop { if b[i] > 3u { break; } b[i] += 1u; } }",
        "@compute @workgroup_size(4, 2, 1) fn main() {}",
    ] {
        valid(source);
    }
    let kernel = valid(
        "override N: u32 = 64u; var<workgroup> tile: array<u32, N * 2u>; var<workgroup> v: vec3<f32>;
        @compute @workgroup_size(N / 2u, 2) fn main() { tile[0] = u32(v.x); }",
    );
    assert_eq!(kernel.interface.workgroup_size, [32, 2, 1]);
    assert_eq!(kernel.interface.shared_memory, 512 + 12);
}

#[test]
fn cooperative_matrices() {
    let source = "enable wgpu_cooperative_matrix;
        @group(0) @binding(0) var<storage, read> a: array<f32>;
        @group(0) @binding(1) var<storage, read_write> c: array<f32>;
        @compute @workgroup_size(32) fn main() {
            let x = coopLoad<coop_mat8x8<f32, A>>(&a[0], 8u);
            let y = coopLoad<coop_mat8x8<f32, B>>(&a[64], 8u);
            let z = coopLoad<coop_mat8x8<f32, C>>(&c[0], 8u);
            let r = coopMultiplyAdd(x, y, z);
            coopStore(r, &c[0], 8u);
        }";
    let kernel = compile(source).unwrap_or_else(|error| panic!("{error}"));
    assert!(kernel.interface.capabilities.contains(&Capability::CooperativeMatrixKHR));
    assert_eq!((arg(&kernel, "a").read, arg(&kernel, "a").write), (true, false));
    assert_eq!((arg(&kernel, "c").read, arg(&kernel, "c").write), (true, true));
    // The compiler panics if an operand is not named first. The panic becomes an error and does not end the program.
    let unnamed = source.replace("let r = coopMultiplyAdd(x, y, z);", "").replace("coopStore(r,", "coopStore(coopMultiplyAdd(x, y, z),");
    if let Err(error) = compile(&unnamed) {
        assert!(matches!(error.kind, ErrorKind::Internal | ErrorKind::Compile), "{error}");
    }
}

#[test]
fn options_of_the_compiler() {
    let [(_, old), _, (_, new)] = targets();
    let version = |kernel: &CompiledKernel| kernel.spirv[1];
    let shared_source = "var<workgroup> w: array<u32, 64>; @group(0) @binding(0) var<storage, read_write> b: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { loop { if w[i] == 0u { break; } } b[i] = w[i]; }";
    let (polyfill, native) = (compile_for(shared_source, None, &old).unwrap(), compile_for(shared_source, None, &new).unwrap());
    assert_eq!((version(&polyfill), version(&native)), (0x1_0300, 0x1_0600));
    let barriers =
        |kernel: &CompiledKernel| Module::split(&kernel.spirv).unwrap().insts.iter().filter(|inst| inst.is(Op::ControlBarrier)).count();
    assert_eq!((barriers(&polyfill), barriers(&native)), (1, 0));
    // There is no counter that bounds the loop: only the results are stored.
    let stores = Module::split(&native.spirv).unwrap().insts.iter().filter(|inst| inst.is(Op::Store)).count();
    assert_eq!(stores, 1);
    let half =
        "enable f16; @group(0) @binding(0) var<storage, read_write> b: array<f16>; @compute @workgroup_size(1) fn main() { b[0] = 1h; }";
    assert!(!compile(half).unwrap().interface.capabilities.contains(&Capability::StorageInputOutput16));
}

#[test]
fn barriers_are_known_to_vulkan() {
    let kernel = valid("@compute @workgroup_size(32) fn main() { subgroupBarrier(); workgroupBarrier(); storageBarrier(); }");
    let index = crate::compile::spirv::index::Index::of(&kernel.spirv).unwrap();
    let barriers = index.module.insts.iter().filter(|inst| inst.is(Op::ControlBarrier));
    let semantics: Vec<u32> = barriers.map(|inst| index.constants.u32(inst.word(3).unwrap()).unwrap()).collect();
    assert_eq!(semantics.len(), 3);
    assert!(semantics.iter().all(|value| value & 0x140 != 0), "{semantics:x?}");
    assert_eq!(semantics[0] & 0x1c8, 0x1c8);
}

#[test]
fn messages_show_the_place() {
    let error = refused("// a comment\n@compute @workgroup_size(1) fn main() {\n    let \u{e4} = 1 + nowhere;\n}\n");
    assert_eq!(error.kind, ErrorKind::Compile);
    assert_eq!(
        error.message,
        "error: no definition in scope for identifier: `nowhere`\n --> test.wgsl:3:17\n  |\n3 |     let \u{e4} = 1 + nowhere;\n  |                 ^^^^^^^ unknown identifier"
    );
    // The message is the validator's, without its internal names.
    let error = refused("@compute @workgroup_size(1) fn main() { var x: i32 = 1; x = x & 1.5; }");
    assert!(error.message.contains("test.wgsl:1:") && !error.message.contains("naga"), "{error}");
    let error = refused("@group(0) @binding(0) var<uniform> u: array<f32, 4>;\n@compute @workgroup_size(1) fn main() { _ = u[0]; }");
    assert!(error.message.contains("test.wgsl:1:") && !error.message.contains('['), "{error}");
    // A line of a megabyte is cut.
    let error = refused(&format!("{}@compute @workgroup_size(1) fn main() {{ x(); }}", " ".repeat(900_000)));
    assert!(error.message.len() < 1000 && error.message.contains("1:900041"), "{error}");
    // The bytes are not text.
    let error = Parsed::new(b"fn a() {}\n\xff", "k", false).map(|_| ()).unwrap_err();
    assert!(error.message.contains("byte 10 (line 2)"), "{error}");
    let error = refused("fn a() {} /* not closed /* */");
    assert!(error.message.contains("comment is not closed") && error.message.contains("1:11"), "{error}");
    assert_eq!(refused(&"\u{1}".repeat(500_000)).kind, ErrorKind::Compile);
    assert_eq!(refused("").kind, ErrorKind::EntryPoint);
}

#[test]
fn entry_points() {
    let source = "@compute @workgroup_size(1) fn scale() {} @compute @workgroup_size(2) fn offset() {}
        @fragment fn shade() {}";
    let error = refused(source);
    assert_eq!(error.kind, ErrorKind::EntryPoint);
    assert!(error.message.contains("scale, offset") && !error.message.contains("shade"), "{error}");
    let error = compile_for(source, Some("ofset"), &target()).unwrap_err();
    assert!(error.message.contains("did you mean \"offset\"?") && error.message.contains("scale, offset"), "{error}");
    let error = compile_for(source, Some("shade"), &target()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::EntryPoint);
    let kernel = compile_for(source, Some("offset"), &target()).unwrap();
    assert_eq!(kernel.interface.workgroup_size, [2, 1, 1]);
    validate(&kernel.spirv, "vulkan1.3");
    assert_eq!(refused("@fragment fn shade() {}").kind, ErrorKind::EntryPoint);
}

#[test]
fn overrides_without_values() {
    let error = refused("override SCALE: f32; @compute @workgroup_size(1) fn main() { _ = SCALE; }");
    assert_eq!(error.kind, ErrorKind::Compile);
    assert!(error.message.contains("SCALE has neither a value nor a default"), "{error}");
    assert!(error.message.contains("test.wgsl:1:"), "{error}");
    // An override that the entry point does not use needs no value.
    valid("override SCALE: f32; @compute @workgroup_size(1) fn main() {}");
}

#[test]
fn overrides_with_values() {
    let source = "override N: u32; @id(7) override SCALE: f32 = 1.0; override FAST = false;
        var<workgroup> tile: array<f32, N>; @group(0) @binding(0) var<storage, read_write> b: array<f32>;
        @compute @workgroup_size(N) fn main(@builtin(local_invocation_index) i: u32) {
            tile[i] = b[i] * SCALE; workgroupBarrier(); b[i] = select(tile[N - 1u - i], 0.0, FAST); }";
    let with = |constants: &[ConstantSetting<'_>]| compile_with(source, &Request { constants, ..Request::default() }, &target());
    let named = |name, value| ConstantSetting { constant: ConstantKey::Name(name), value: ConstantValue::Number(value) };
    let kernel =
        with(&[named("N", 16.0), ConstantSetting { constant: ConstantKey::Id(7), value: ConstantValue::Number(2.5) }, named("FAST", 1.0)])
            .unwrap();
    validate(&kernel.spirv, "vulkan1.3");
    assert_eq!((kernel.interface.workgroup_size, kernel.interface.shared_memory), ([16, 1, 1], 64));
    // An override with an id can also be set by name.
    assert_eq!(with(&[named("N", 4.0), named("SCALE", 2.5)]).unwrap().interface.workgroup_size, [4, 1, 1]);
    for (constants, expected) in [
        (vec![named("N", 3.5)], "the constant \"N\" is u32, and 3.5 is not an integer"),
        (vec![named("N", -1.0)], "outside its range"),
        (vec![named("N", 4.0), named("SCALES", 1.0)], "did you mean \"SCALE\"? The kernel has: N, SCALE (id 7), FAST"),
        (
            vec![named("N", 4.0), named("SCALE", 1.0), ConstantSetting { constant: ConstantKey::Id(7), value: ConstantValue::Number(2.0) }],
            "given twice",
        ),
        (vec![named("N", 0.0)], "workgroup size 0 or less"),
    ] {
        let error = with(&constants).unwrap_err();
        assert!(error.message.contains(expected), "{error}");
    }
    let error = with(&[named("N", 2048.0)]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
}

#[test]
fn specialization_constants_of_spirv() {
    let source = "#version 450
        layout(local_size_x_id = 1) in; layout(constant_id = 5) const float scale = 1.0; layout(constant_id = 2) const int count = 3;
        shared float tile[count * 2]; layout(binding = 0) buffer B { float b[]; };
        void main() { tile[0] = scale; b[gl_GlobalInvocationID.x] = tile[0] * count; }";
    let Some(code) = glsl(source, "vulkan1.1") else { return };
    let with = |constants: &[ConstantSetting<'_>]| spirv(&code, &Request { constants, ..Request::default() }, &target());
    assert_eq!(with(&[]).unwrap().interface.shared_memory, 24);
    let id = |id, value| ConstantSetting { constant: ConstantKey::Id(id), value: ConstantValue::Number(value) };
    let kernel =
        with(&[id(1, 64.0), ConstantSetting { constant: ConstantKey::Name("scale"), value: ConstantValue::Number(0.5) }, id(2, 100.0)])
            .unwrap();
    assert_eq!((kernel.interface.workgroup_size, kernel.interface.shared_memory), ([64, 1, 1], 800));
    let given: Vec<_> = kernel.specialized.iter().map(|one| (one.id, one.bytes.clone())).collect();
    assert_eq!(given, [(1, vec![64, 0, 0, 0]), (5, 0.5f32.to_le_bytes().to_vec()), (2, vec![100, 0, 0, 0])]);
    let error = with(&[id(3, 1.0)]).unwrap_err();
    assert!(error.kind == ErrorKind::Constant && error.message.contains("scale (id 5)"), "{error}");
    assert!(with(&[id(2, 2.5)]).unwrap_err().message.contains("i32"));
}

#[test]
fn unchecked_code_has_no_checks() {
    let source = "@group(0) @binding(0) var<storage, read_write> b: array<u32>; var<workgroup> w: array<u32, 64>;
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) i: vec3<u32>) { w[b[i.x]] = b[w[i.y]]; b[w[i.z]] = w[b[9]]; }";
    let has_clamp = |unchecked| {
        let kernel = compile_with(source, &Request { unchecked, ..Request::default() }, &target()).unwrap();
        validate(&kernel.spirv, "vulkan1.3");
        Module::split(&kernel.spirv).unwrap().insts.iter().any(|inst| inst.is(Op::ExtInst) || inst.is(Op::ArrayLength))
    };
    assert!(has_clamp(false) && !has_clamp(true));
}

#[test]
fn missing_features_are_named() {
    let bare = Target { capabilities: Vec::new(), ..target() };
    for (source, expected) in [
        ("enable f16; @compute @workgroup_size(1) fn main() { var x = 1h; x = x * x; }", "needs f16 arithmetic (SPIR-V Float16)"),
        (
            "@compute @workgroup_size(1) fn main() { var x = 1lu; x = x * x; }",
            "64-bit integer arithmetic (SPIR-V Int64): this device lacks it",
        ),
        ("@compute @workgroup_size(1) fn main() { var x = 1.0lf; x = x * x; }", "f64 arithmetic (SPIR-V Float64)"),
        ("@compute @workgroup_size(1) fn main() { _ = subgroupAdd(1u); }", "subgroup arithmetic"),
    ] {
        let error = compile_for(source, None, &bare).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        assert!(error.message.contains(expected), "{error}");
        compile(source).unwrap();
    }
}

#[test]
fn packed_bytes_need_no_feature() {
    let source = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
        @compute @workgroup_size(1) fn main() {
            let s = unpack4xI8(x[0]); let u = unpack4xU8(x[1]);
            x[2] = pack4xI8(s) + pack4xU8(u) + pack4xI8Clamp(s) + pack4xU8Clamp(u) + dot4U8Packed(x[0], x[1]) + u32(dot4I8Packed(x[0], x[1]));
        }";
    for (environment, full) in targets() {
        let without = Target { capabilities: Vec::new(), ..full.clone() };
        let kernel = compile_for(source, None, &without).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(kernel.interface.capabilities, [Capability::Shader]);
        validate(&kernel.spirv, environment);
        // The compiler uses these capabilities if the device has them.
        let kernel = compile_for(source, None, &full).unwrap();
        assert!(kernel.interface.capabilities.contains(&Capability::DotProductInput4x8BitPacked));
        assert!(kernel.interface.capabilities.contains(&Capability::Int8));
    }
}

#[test]
fn matrices_in_buffers() {
    let kernel = |scalar: &str, columns: u32, rows: u32, space: &str| {
        let matrix = format!("mat{columns}x{rows}<{scalar}>");
        // The elements of arrays in uniform buffers must be 16 bytes apart.
        let list = if space == "uniform" { "vec4<f32>".into() } else { matrix.clone() };
        let use_list = if space == "uniform" { "" } else { "l.a[i] = m.m; o[2] = l.a[1] + m.a[i];" };
        format!(
            "enable f16; struct S {{ @align(16) m: {matrix}, @align(16) a: array<{list}, 3> }}
            @group(0) @binding(0) var<{space}> m: S; @group(0) @binding(1) var<storage, read_write> o: array<{matrix}>;
            var<workgroup> w: S;
            @compute @workgroup_size(32) fn main(@builtin(local_invocation_index) i: u32) {{
                var l = m; w = l; workgroupBarrier(); o[i] = w.m * l.m[i][0]; o[i][1] = m.m[i]; {use_list}
            }}"
        )
    };
    for (columns, rows) in (2..=4).flat_map(|columns| (2..=4).map(move |rows| (columns, rows))) {
        valid(&kernel("f32", columns, rows, "uniform"));
        valid(&kernel("f32", columns, rows, "storage, read"));
        if rows > 2 {
            let error = refused(&kernel("f16", columns, rows, "uniform"));
            assert_eq!(error.kind, ErrorKind::Unsupported);
            assert!(error.message.contains("uniform buffer m has a matrix whose columns lie 8 bytes apart"), "{error}");
        }
    }
    valid(&kernel("f16", 4, 4, "storage, read"));
}

#[test]
fn functions_that_are_not_called_need_nothing() {
    let bare = Target { capabilities: Vec::new(), ..target() };
    let source = "fn double(x: f64) -> f64 { return x * 2.0lf; } fn half(x: f32) -> f32 { return x * 0.5; }
        @group(0) @binding(0) var<storage, read_write> b: array<f32>;
        @compute @workgroup_size(1) fn main() { b[0] = half(b[1]); }";
    let kernel = compile_for(source, None, &bare).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(kernel.interface.args.len(), 1);
    validate(&kernel.spirv, "vulkan1.3");
}

#[test]
fn the_same_text_gives_the_same_words() {
    let source = "var<workgroup> w: array<array<u32, 4>, 4>; struct S { a: array<array<u32, 4>, 4>, b: array<u32, 4> }
        @group(0) @binding(0) var<storage, read_write> s: S;
        @compute @workgroup_size(1) fn main() { w = s.a; subgroupBarrier(); workgroupBarrier(); var l = s; l.b = w[1]; s = l; }";
    let first = compile(source).unwrap();
    for _ in 0..5 {
        let again = compile(source).unwrap();
        assert_eq!(again.spirv, first.spirv);
        let both = Variant { aliased: true, split: true };
        assert_eq!(variant(&again, both).unwrap().spirv, variant(&first, both).unwrap().spirv);
    }
}

#[test]
fn resources_that_are_no_buffers() {
    for (declaration, usage, expected) in [
        ("@group(0) @binding(0) var t: texture_2d<f32>;", "_ = textureLoad(t, vec2(0, 0), 0);", "t is a texture or image"),
        (
            "@group(0) @binding(0) var img: texture_storage_2d<r32float, write>;",
            "textureStore(img, vec2(0, 0), vec4(1.0));",
            "img is a texture or image",
        ),
        (
            "@group(0) @binding(0) var t: texture_2d<f32>; @group(0) @binding(1) var s: sampler;",
            "_ = textureSampleLevel(t, s, vec2(0.0), 0.0);",
            "is a",
        ),
        (
            "enable wgpu_binding_array; struct S { x: array<u32> } @group(0) @binding(0) var<storage> many: binding_array<S, 4>;",
            "_ = many[1].x[0];",
            "many is an array of bindings",
        ),
    ] {
        let source = format!("{declaration} @compute @workgroup_size(1) fn main() {{ {usage} }}");
        let error = refused(&source);
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
}

#[test]
fn functions_that_gpus_lack() {
    for (ty, call, expected) in [
        ("f64", "exp(x)", "exp does not exist for f64 on GPUs: SPIR-V has it for f16 and f32 only"),
        ("f64", "sin(x)", "sin does not exist for f64"),
        ("f64", "pow(x, x)", "pow does not exist for f64"),
        ("f64", "log2(x)", "log2 does not exist for f64"),
        ("f64", "atan2(x, x)", "atan2 does not exist for f64"),
        ("f64", "tanh(vec2(x, x)).x", "tanh does not exist for f64"),
        ("f64", "frexp(x).fract", "frexp does not exist for f64"),
        ("f16", "frexp(x).fract", "frexp does not exist for f16"),
        ("u64", "countOneBits(x)", "countOneBits does not exist for u64 on GPUs: SPIR-V has it for 32-bit integers only"),
        ("i64", "firstLeadingBit(x)", "firstLeadingBit does not exist for i64"),
        ("u16", "reverseBits(x)", "reverseBits does not exist for u16"),
        ("u64", "extractBits(x, 1u, 2u)", "extractBits does not exist for u64"),
        ("u32", "sign(x)", "sign does not exist for u32"),
    ] {
        let error = refused(&format!(
            "enable f16; enable wgpu_int16; @group(0) @binding(0) var<storage, read_write> b: {ty};
            @compute @workgroup_size(1) fn main() {{ let x = b;\nb = {call}; }}"
        ));
        assert_eq!(error.kind, ErrorKind::Compile, "{error}");
        assert!(error.message.contains(expected) && error.message.contains("test.wgsl:3:"), "{error}");
    }
}

#[test]
fn every_function_for_every_type_is_valid_or_refused() {
    let one = "abs acos acosh asin asinh atan atanh ceil cos cosh countLeadingZeros countOneBits countTrailingZeros degrees exp exp2 \
        firstLeadingBit firstTrailingBit floor fract inverseSqrt length log log2 normalize quantizeToF16 radians reverseBits round \
        saturate sign sin sinh sqrt tan tanh trunc - ~ subgroupAdd subgroupMin subgroupExclusiveAdd subgroupBroadcastFirst modf frexp \
        bitcast<u32> f32 f16 f64 i32 u32 i64 u64 i16 u16 bool";
    let two = "atan2 distance dot cross max min pow step reflect ldexp + - * / % == < << >> & | ^";
    let three = "clamp fma mix smoothstep select extractBits";
    let mut expressions: Vec<String> = one.split_whitespace().map(|f| format!("{f}(a)")).collect();
    for f in two.split_whitespace() {
        let call = |b: &str| if f.starts_with(char::is_alphabetic) { format!("{f}(a, {b})") } else { format!("a {f} {b}") };
        expressions.extend([call("b"), call("n")]);
    }
    expressions
        .extend(three.split_whitespace().flat_map(|f| [format!("{f}(a, b, c)"), format!("{f}(a, b, true)"), format!("{f}(a, n, n)")]));
    expressions.push("insertBits(a, b, n, n)".into());
    let scalars = "f32 f16 f64 i32 u32 i64 u64 i16 u16";
    for ty in scalars.split_whitespace().flat_map(|scalar| [scalar.to_owned(), format!("vec3<{scalar}>")]) {
        // All functions that compile go into one kernel, so that the validator runs once for each type.
        let kernel = |body: &str| {
            format!(
                "enable f16; enable wgpu_int16; @group(0) @binding(0) var<storage, read_write> x: array<{ty}, 4>;
                @group(0) @binding(1) var<storage, read_write> m: u32;
                @compute @workgroup_size(32) fn main() {{ let a = x[0]; let b = x[1]; let c = x[2]; let n = m; {body} }}"
            )
        };
        let mut body = String::new();
        for expression in &expressions {
            let statement = format!("{{ var r = {expression}; }}\n");
            match compile(&kernel(&statement)) {
                Ok(_) => body.push_str(&statement),
                Err(error) => assert!(!error.message.contains("failed internally"), "{ty} {expression}: {error}"),
            }
        }
        valid(&kernel(&body));
    }
}

#[test]
fn panics_are_errors() {
    // The argument is a pointer to an element of an array. The compiler panics after it has validated the text.
    let error = refused(
        "struct S { a: array<i32, 4> } fn f(p: ptr<function, i32>) { *p = 1; }
        @compute @workgroup_size(1) fn main() { var s: S; f(&s.a[1]); }",
    );
    assert_eq!(error.kind, panic_error("").kind, "{error}");
    assert!(error.message.contains("pointer to an element"), "{error}");
    assert!(panic_error(&"x".repeat(100_000)).message.len() < 1000);
}

#[test]
fn limits() {
    let body = "{ _ = 1; }";
    let shared_memory =
        |bytes: u32| format!("var<workgroup> w: array<u32, {}>; @compute @workgroup_size(1) fn main() {{ w[0] = 1u; }}", bytes / 4);
    let binding = |group: u32, binding: u32| {
        format!(
            "@group({group}) @binding({binding}) var<storage, read_write> x: array<u32>; @compute @workgroup_size(1) fn main() {{ x[0] = 1u; }}"
        )
    };
    let many: String = (0..17).map(|i| format!("@group(0) @binding({i}) var<storage, read_write> b{i}: u32;")).collect();
    let uses: String = (0..17).map(|i| format!("b{i} = 1u;")).collect();
    for (source, expected) in [
        (format!("@compute @workgroup_size(2048) fn main() {body}"), "2048 x 1 x 1 is over this device's limit of 1024 invocations in x"),
        (format!("@compute @workgroup_size(1, 1, 65) fn main() {body}"), "limit of 64 invocations in z"),
        (format!("@compute @workgroup_size(64, 32) fn main() {body}"), "64 x 32 x 1 is 2048 invocations, and this device's limit is 1024"),
        (shared_memory(50_000), "50000 bytes of workgroup memory, and this device has 49152"),
        (shared_memory(2_000_000_000), "2000000000 bytes of workgroup memory"),
        (binding(4, 0), "x is in group 4, and this device has groups 0 to 3"),
        (binding(0, u32::MAX), "x has binding 4294967295"),
        (format!("{many} @compute @workgroup_size(1) fn main() {{ {uses} }}"), "uses 17 storage buffers, and this device allows 16"),
        (
            "var<immediate> big: array<vec4<f32>, 9>; @compute @workgroup_size(1) fn main() { _ = big[0]; }".into(),
            "push-constant block big has 144 bytes, and this device takes 128",
        ),
    ] {
        let error = refused(&source);
        assert_eq!(error.kind, ErrorKind::Limit, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
    compile(&shared_memory(49_152)).unwrap();
}

#[test]
fn odd_attributes_do_no_harm() {
    for source in [
        "struct S { @size(4294967295) a: u32, b: u32 } @group(0) @binding(0) var<storage, read_write> s: S;
        @compute @workgroup_size(1) fn main() { s.b = 1u; }",
        "struct S { @align(2147483648) a: u32, b: u32 } @group(0) @binding(0) var<storage, read_write> s: S;
        @compute @workgroup_size(1) fn main() { s.b = 1u; }",
        "@compute @workgroup_size(4294967295, 4294967295, 4294967295) fn main() {}",
        "@compute @workgroup_size(0) fn main() {}",
        "var<workgroup> a: array<array<u32, 65536>, 65536>; @compute @workgroup_size(1) fn main() { a[0][0] = 1u; }",
    ] {
        // Any outcome except for a panic is accepted.
        let _ = compile(source).map_err(|error| assert!(!error.message.is_empty()));
    }
}

#[test]
fn variables_of_an_invocation_are_bounded() {
    let module = |length: u32, words: u32| {
        format!(
            "@group(0) @binding(0) var<storage, read_write> x: array<u32>; var<private> p: array<u32, {length}>;
            @compute @workgroup_size(1) fn main() {{ var f: array<u32, {words}>; p[x[1]] = 1u; f[x[2]] = 2u; x[0] = p[x[3]] + f[x[4]]; }}"
        )
    };
    compile(&module(2_000_000, 2_000_000)).expect("less than 16 MiB in all");
    let error = refused(&module(2_400_000, 2_400_000));
    assert!(error.kind == ErrorKind::Limit && error.message.contains("19200000 bytes, and the limit is 16777216"), "{error}");
}
