//! Modules that report are valid for every Vulkan version, and their records have the right contents.

use super::*;
use crate::compile::debug::report::{DebugRecord, Severity};
use crate::compile::from_spirv::spirv;
use crate::compile::kernel::{CompiledKernel, Request};
use crate::compile::passes::variant::{Variant, variant};
use crate::compile::spirv::module::Module;
use crate::compile::testing::{assemble, bytes, compile, compile_as, compile_with, target, targets, validate};

/// Compiles a kernel that reports, and validates it.
#[track_caller]
fn reports(source: &str) -> CompiledKernel {
    let mut last = None;
    for (environment, target) in targets() {
        let kernel = compile_as(source, None, &target, true).unwrap_or_else(|error| panic!("{environment}: {error}\n{source}"));
        validate(&kernel.spirv, environment);
        for wanted in [Variant { aliased: true, split: false }, Variant { aliased: true, split: true }] {
            let code = variant(&kernel, wanted).expect("a variant");
            validate(&code.spirv, environment);
            assert!(code.base_binding.is_none() || code.base_binding != kernel.debug.as_ref().map(|debug| debug.binding));
        }
        let again = compile_as(source, None, &target, true).expect("compiled before");
        assert_eq!(again.spirv, kernel.spirv, "the same text gives the same words");
        last = Some(kernel);
    }
    last.expect("a kernel")
}

const HEAD: &str = "@group(0) @binding(1) var<storage, read_write> data: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {";

#[test]
fn statements_are_valid_spirv() {
    let kernel = reports(&format!(
        "{HEAD} let i = id.x; printf(\"%u %d %f %v3u %x\", i, -1, data[i], id, true);
        for (var k = 0; k < 3; printf(\"step %d\", k)) {{ k += 1; }}
        assert(i < 5u, \"i is %u\", i); if (i > 3u) {{ printf(\"big\"); return; }} switch i {{ case 1: {{ assert(false); }} default: {{}} }}
        printf(\"%v4f %g\", vec4<f32>(data[0]), 1); data[i] = 0.0; }}"
    ));
    let debug = kernel.debug.expect("reports");
    assert_eq!(debug.binding, (0, 0), "the first that is free");
    assert_eq!(kernel.interface.args.len(), 1, "the buffer is no argument");
    reports(&format!("{HEAD} printf(\"%lu %ld %v2lx\", u64(id.x), i64(-5), vec2<u64>(vec2<u32>(id.xy))); }}"));
    reports("@compute @workgroup_size(1) fn main() { printf(\"no arguments at all\"); }");
    reports("@compute @workgroup_size(1) fn main(@builtin(local_invocation_index) l: u32) { assert(l == 0u); }");
    reports("fn deep(i: u32) -> u32 { printf(\"%u\", i); return i; } @compute @workgroup_size(1) fn main() { assert(deep(1u) == 1u); }");
}

#[test]
fn accesses_are_compared() {
    let source = "struct Inner { v: vec3<f32>, a: array<u32, 4> } struct Outer { n: u32, items: array<Inner> }
    @group(1) @binding(0) var<storage, read_write> outer: Outer;
    @group(1) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
    @group(1) @binding(2) var<uniform> block: array<vec4<u32>, 3>;
    var<workgroup> shared_: array<u32, 8>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        var local = array<u32, 5>(1, 2, 3, 4, 5);
        let i = i32(id.x);
        outer.items[i].a[min(id.y, 4u)] = block[id.y][id.z];
        outer.items[1].v[id.x] = 1.0;
        atomicAdd(&counts[id.x + 1u], local[id.z]);
        shared_[id.x] = 1u;
        counts[77] = 5u;
    }";
    let source = source.replace("counts[77] = 5u;", "atomicStore(&counts[77], 5u);");
    let kernel = reports(&source);
    let debug = kernel.debug.expect("reports");
    let text = |site: usize, index: u32, last: u32| {
        let record = [site as u32 + 1, 1, 2, 3, index, last];
        let mut buffer = vec![record.len() as u32, 0, 0];
        buffer.extend(record);
        debug.read(&buffer).records.pop().expect("a record")
    };
    let all: Vec<String> = (0..debug.sites.len()).map(|site| text(site, 9, 6).text).collect();
    for name in [
        "outer.items[9]",
        "outer.items[...].a[9]",
        "block[9]",
        "block[...][9]",
        "outer.items[1].v[9]",
        "counts[9]",
        "local[9]",
        "shared_[9]",
    ] {
        let start = format!("out of bounds: {name}, and ");
        assert!(all.iter().any(|text| text.starts_with(&start) && text.contains("has 7 elements")), "{name}: {all:#?}");
    }
    assert!(all.iter().any(|text| text.contains("counts[9]") && text.contains("(line 13, column ")), "{all:#?}");
    let signed = (0..debug.sites.len()).find(|&site| text(site, u32::MAX, 0).text.contains("items[-1]"));
    assert!(signed.is_some(), "an i32 reads as one: {all:#?}");
    assert_eq!(text(0, 1, 1).invocation, [1, 2, 3]);
    assert_eq!(text(0, 1, 1).severity, Severity::Bounds);
}

#[test]
fn off_it_costs_nothing() {
    let with = format!("{HEAD} let i = id.x; printf(\"%u of %u\", i, arrayLength(&data)); assert(i < 5u); data[i] = 1.0; }}");
    let without = format!("{HEAD} let i = id.x; data[i] = 1.0; }}");
    let (with, without) = (compile(&with).expect("a kernel"), compile(&without).expect("a kernel"));
    assert_eq!(with.spirv, without.spirv);
    assert!(with.debug.is_none());
}

#[test]
fn nothing_to_report_changes_nothing() {
    let source = "@group(0) @binding(0) var<storage, read_write> x: u32; @compute @workgroup_size(1) fn main() { x = 5u; }";
    let on = compile_as(source, None, &target(), true).expect("a kernel");
    assert!(on.debug.is_none());
    let instructions =
        |kernel: &CompiledKernel| -> Vec<u32> { Module::split(&kernel.spirv).expect("a module").insts.iter().map(Inst::opcode).collect() };
    assert_eq!(instructions(&on), instructions(&compile(source).expect("a kernel")), "no lines of the text are left");
}

#[test]
fn places_are_those_of_the_users_text() {
    for (source, place) in [
        ("@compute @workgroup_size(1) fn main() {\n  printf(\"%d\", 1); let x: u32 = 1.5; }", "2:24"),
        ("@compute @workgroup_size(1) fn main() {\n  printf(\"%d %d\", 1, unknown); }", "2:22"),
        ("@compute @workgroup_size(1) fn main() { /* é */ assert(1 + true); }", "1:56"),
        ("@compute @workgroup_size(1) fn main() { printf(\"%v3f\", vec2<f32>()); }", "1:56"),
    ] {
        let error = compile_as(source, None, &target(), true).expect_err(source);
        assert!(error.message.contains(&format!("--> test.wgsl:{place}\n")), "{place}: {error}");
    }
}

#[test]
fn a_device_without_a_free_buffer_is_an_error() {
    let target = Target { max_storage_buffers: 1, ..target() };
    let error = compile_as(&format!("{HEAD} printf(\"x\"); data[0] = 1.0; }}"), None, &target, true).expect_err("no room");
    assert!(error.kind == ErrorKind::Limit && error.message.contains("one storage buffer more than its own 1"), "{error}");
}

#[test]
fn records_are_read_as_far_as_they_go() {
    let kernel = compile_as(&format!("{HEAD} printf(\"a %u\\n\", id.x); assert(false, \"b %d\", 7); }}"), None, &target(), true);
    let debug = kernel.expect("a kernel").debug.expect("reports");
    let record = |severity, invocation, text: &str| DebugRecord { severity, invocation, text: text.into() };
    let buffer = [10, 3, 2, 1, 4, 5, 6, 42, 2, 7, 8, 9, 7, 1, 1, 1, 1, 1];
    let first = record(Severity::Print, [4, 5, 6], "a 42");
    let second = record(Severity::Assert, [7, 8, 9], "assertion failed: false: b 7 (line 2, column 110)");
    let reading = debug.read(&buffer);
    assert_eq!((reading.records.as_slice(), reading.lost, reading.failed), (&[first.clone(), second][..], 3, None));
    let cut = debug.read(&buffer[..12]);
    assert_eq!(cut.records, std::slice::from_ref(&first), "cut off");
    assert_eq!(cut.failed.as_deref(), Some("assertion failed: false (line 2, column 110)"), "the one that is lost");
    assert_eq!(debug.read(&[u32::MAX, 0, 0, 1, 4, 5, 6, 42, 0, 0, 0, 0, 0]).records, [first], "zeros end it");
    for broken in [&[5, 0, 99, 99, 1, 1, 1, 1][..], &[], &[7], &[7, 0], &[7, 0, 0]] {
        assert!(debug.read(broken).records.is_empty() && debug.read(broken).failed.is_none(), "{broken:?}");
    }
    assert_eq!([DebugInfo::used(&[10, 3], 100), DebugInfo::used(&[u32::MAX], 100), DebugInfo::used(&[], 100)], [13, 100, 3]);
}

#[test]
fn long_texts_are_bounded() {
    let long = "x".repeat(100_000);
    let source = format!("@compute @workgroup_size(1) fn main() {{ printf(\"{long}\"); assert(false); }}");
    let debug = compile_as(&source, None, &target(), true).expect("a kernel").debug.expect("reports");
    let mut buffer = vec![4 * 2000, 0, 0];
    (0..1998).for_each(|_| buffer.extend([1, 0, 0, 0]));
    (0..2).for_each(|_| buffer.extend([2, 0, 0, 0]));
    let reading = debug.read(&buffer);
    assert!(reading.records.len() < 700 && reading.records.len() as u64 + reading.lost == 2000, "{}", reading.records.len());
    assert_eq!(reading.records.iter().filter(|record| record.severity == Severity::Assert).count(), 1, "the first is kept");
}

/// The output of glslang for `debugPrintfEXT`, with a second entry point.
const PRINTF: &str = "OpCapability Shader
OpCapability Int64
OpCapability Int16
OpCapability Float64
OpExtension \"SPV_KHR_non_semantic_info\"
%1 = OpExtInstImport \"NonSemantic.DebugPrintf\"
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %2 \"main\" %3
OpEntryPoint GLCompute %4 \"other\"
OpExecutionMode %2 LocalSize 8 1 1
OpExecutionMode %4 LocalSize 1 1 1
%5 = OpString \"a %u %d %f %v3u %d %lu %f %d\"
%6 = OpString \"b\"
OpName %1 \"set\"
OpDecorate %3 BuiltIn GlobalInvocationId
%7 = OpTypeVoid
%8 = OpTypeFunction %7
%9 = OpTypeInt 32 0
%10 = OpTypeInt 32 1
%11 = OpTypeFloat 32
%12 = OpTypeFloat 64
%13 = OpTypeInt 64 0
%14 = OpTypeInt 16 1
%15 = OpTypeBool
%16 = OpTypeVector %9 3
%17 = OpTypePointer Input %16
%3 = OpVariable %17 Input
%18 = OpConstant %9 7
%19 = OpConstant %10 -7
%20 = OpConstant %11 1.5
%21 = OpConstant %12 2.5
%22 = OpConstant %13 5000000000
%23 = OpConstant %14 -3
%24 = OpConstantTrue %15
%2 = OpFunction %7 None %8
%25 = OpLabel
%26 = OpLoad %16 %3
%27 = OpExtInst %7 %1 1 %5 %18 %19 %20 %26 %24 %22 %21 %23
%28 = OpExtInst %7 %1 1 %6
OpReturn
OpFunctionEnd
%4 = OpFunction %7 None %8
%29 = OpLabel
%30 = OpExtInst %7 %1 1 %6
OpReturn
OpFunctionEnd
";

/// A kernel that reports.
fn asks(entry: &str) -> Request<'_> {
    Request { entry: Some(entry), debug: true, ..Request::default() }
}

#[test]
fn unchecked_indices_are_not_looked_at() {
    let source = format!("{HEAD} data[min(id.x, 5u)] = 1.0; printf(\"%u\", id.y); }}");
    for (unchecked, sites) in [(false, 2), (true, 1)] {
        let request = Request { unchecked, debug: true, ..Request::default() };
        let kernel = compile_with(&source, &request, &target()).expect("a kernel");
        validate(&kernel.spirv, "vulkan1.3");
        assert_eq!(kernel.debug.expect("it prints").sites.len(), sites, "{unchecked}");
    }
}

#[test]
fn printf_instructions_are_lowered() {
    let Some(code) = assemble(PRINTF) else { return };
    for (entry, own) in [("main", true), ("other", false)] {
        let kernel = spirv(&code, &asks(entry), &target()).unwrap_or_else(|error| panic!("{error}"));
        validate(&kernel.spirv, "vulkan1.3");
        let again = spirv(&bytes(&kernel.spirv), &Request::default(), &target()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.interface.entry, entry, "the only one that is left");
        let debug = kernel.debug.expect("reports");
        let buffer = [15, 0, 0, 1, 1, 2, 3, 7, (-7_i32).cast_unsigned(), 1.5_f32.to_bits(), 1, 2, 3, 1, 705_032_704, 1, 2.5_f32.to_bits()];
        let mut buffer = buffer.to_vec();
        buffer.push((-3_i32).cast_unsigned());
        let records = debug.read(&buffer).records;
        assert_eq!(records.first().map(|record| record.text.as_str()), Some("a 7 -7 1.500000 1, 2, 3 1 5000000000 2.500000 -3"), "{own}");
    }
    let older = code.clone();
    let mut words = crate::compile::spirv::module::from_bytes(&older).expect("words");
    words[1] = 0x0001_0000;
    validate(&spirv(&bytes(&words), &asks("main"), &target()).expect("SPIR-V 1.0").spirv, "vulkan1.1");
}

#[test]
fn wrong_printf_instructions_are_refused() {
    for (from, to, says) in [
        ("a %u", "a %q", "%q is not a specifier"),
        ("a %u", "a", "the format has 7 specifiers, and 8 values follow it"),
        ("1 %6\nOpReturn\nOpFunctionEnd\n%4", "1 %5 %3 %3 %3 %3 %3 %3 %3 %3\nOpReturn\nOpFunctionEnd\n%4", "%3 is not a number"),
        ("%1 1 %6", "%1 1 %18", "has no format"),
        ("%1 1 %6", "%1 2 %6", "has no format"),
    ] {
        assert!(PRINTF.contains(from));
        let Some(code) = assemble(&PRINTF.replacen(from, to, 1)) else { return };
        let outcome = spirv(&code, &asks("main"), &target());
        let error = outcome.err().unwrap_or_else(|| panic!("it was taken: {to}"));
        assert!(error.kind == ErrorKind::InvalidSpirv && error.message.contains(says), "{error}");
    }
}

#[test]
fn damaged_modules_are_refused_or_stay_whole() {
    let Some(code) = assemble(PRINTF) else { return };
    let words = crate::compile::spirv::module::from_bytes(&code).expect("words");
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut words = words.clone();
        for _ in 0..=random() % 2 {
            let at = random() % words.len();
            words[at] = match random() % 3 {
                0 => random() as u32 % 48,
                1 => words[random() % words.len()],
                _ => words[at] ^ 1 << (random() % 32),
            };
        }
        let Ok(kernel) = spirv(&bytes(&words), &asks("main"), &target()) else { continue };
        taken += 1;
        spirv(&bytes(&kernel.spirv), &Request { entry: Some("main"), ..Request::default() }, &target())
            .unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(taken > 100, "{taken}");
}

#[test]
fn glsl_prints() {
    let source = "#version 450
        #extension GL_EXT_debug_printf : require
        #extension GL_EXT_shader_explicit_arithmetic_types : require
        layout(local_size_x = 8) in;
        layout(set = 0, binding = 0) buffer Data { float data[]; };
        void show(uint i) { debugPrintfEXT(\"data[%u] is %f, %1.2v3f, %ul\", i, data[i], vec3(1, 2, 3), uint64_t(i)); }
        void main() {
            show(gl_GlobalInvocationID.x);
            if (gl_LocalInvocationIndex == 0) debugPrintfEXT(\"none\");
            data[gl_GlobalInvocationID.x] = float(int16_t(gl_GlobalInvocationID.y));
            debugPrintfEXT(\"%d %u %x\", int16_t(-5), uint8_t(7), gl_WorkGroupID.x > 1);
        }";
    for (environment, target) in targets() {
        let Some(code) = crate::compile::testing::glsl(source, environment) else { return };
        let kernel = spirv(&code, &asks("main"), &target).unwrap_or_else(|error| panic!("{environment}: {error}"));
        validate(&kernel.spirv, environment);
        let debug = kernel.debug.expect("it prints");
        assert_eq!((kernel.interface.args.len(), debug.binding, debug.sites.len()), (1, (0, 1), 3));
    }
}
