//! Invalid modules are rejected before a driver sees them, and no input makes this layer panic.

use super::*;
use crate::compile::from_spirv::spirv;
use crate::compile::kernel::CompiledKernel;
use crate::compile::passes::variant::{Variant, variant};
use crate::compile::testing::*;

/// Compiles bytes as a module for the default test device.
fn take(code: &[u8]) -> Result<CompiledKernel> {
    spirv(code, &Request::default(), &target())
}

/// A small valid module.
fn good() -> Vec<u32> {
    let source = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
        fn twice(a: u32) -> u32 { return a * 2u; }
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x < arrayLength(&x) { x[id.x] = twice(x[id.x]); }
        }";
    compile(source).unwrap().spirv
}

/// A copy of the module in which `change` rewrites each instruction. `change` appends the replacement.
fn edited(spirv: &[u32], mut change: impl FnMut(&mut Vec<u32>, Inst<'_>)) -> Vec<u8> {
    let module = Module::split(spirv).unwrap();
    let mut out = module.header.to_vec();
    for &inst in &module.insts {
        change(&mut out, inst);
    }
    bytes(&out)
}

/// Checks that the bytes are rejected with this kind and this text.
fn refuse(code: &[u8], kind: ErrorKind, text: &str) {
    let error = take(code).map(|kernel| kernel.interface).unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(text), "{error}");
}

#[test]
fn headers() {
    let good = good();
    take(&bytes(&good)).unwrap();
    refuse(b"", ErrorKind::InvalidSpirv, "0 words");
    refuse(b"abc", ErrorKind::InvalidSpirv, "multiple of 4");
    refuse(b"text of a kernel", ErrorKind::InvalidSpirv, "4 words");
    refuse(b"@compute @workgroup_size(64) fn main() {}...", ErrorKind::InvalidSpirv, "starts with 0x");
    let swapped: Vec<u32> = good.iter().map(|word| word.swap_bytes()).collect();
    refuse(&bytes(&swapped), ErrorKind::InvalidSpirv, "byte-swapped");
    let with = |at: usize, value: u32| {
        let mut bad = good.clone();
        bad[at] = value;
        bytes(&bad)
    };
    refuse(&with(1, 0x0002_0000), ErrorKind::InvalidSpirv, "version word");
    refuse(&with(1, 0x0001_0700), ErrorKind::Unsupported, "SPIR-V 1.7, and this device supports 1.6");
    refuse(&with(3, 0), ErrorKind::InvalidSpirv, "bound is 0");
    refuse(&with(3, u32::MAX), ErrorKind::InvalidSpirv, "bound is 4294967295");
    refuse(&with(3, 5), ErrorKind::InvalidSpirv, "the bound, 5");
    refuse(&with(5, 0x0000_0011), ErrorKind::InvalidSpirv, "claims 0 words");
    refuse(&with(5, 0xffff_0011), ErrorKind::InvalidSpirv, "claims 65535 words");
    refuse(&bytes(&good[..good.len() - 1]), ErrorKind::InvalidSpirv, "ends inside a function");
    refuse(&vec![0; (16 << 20) + 4], ErrorKind::Limit, "the limit is 16777216");
}

#[test]
fn ids_sections_and_functions() {
    let good = good();
    let copy = |out: &mut Vec<u32>, inst: Inst<'_>| out.extend_from_slice(inst.words);
    let twice = |op: Op| {
        edited(&good, |out, inst| {
            copy(out, inst);
            if inst.is(op) {
                copy(out, inst);
            }
        })
    };
    let without = |op: Op| {
        edited(&good, |out, inst| {
            if !inst.is(op) {
                copy(out, inst);
            }
        })
    };
    refuse(&twice(Op::TypeVoid), ErrorKind::InvalidSpirv, "is already defined");
    refuse(&twice(Op::Function), ErrorKind::InvalidSpirv, "is in the wrong place");
    refuse(&twice(Op::FunctionEnd), ErrorKind::InvalidSpirv, "is in the wrong place");
    refuse(&twice(Op::Return), ErrorKind::InvalidSpirv, "is outside every block");
    refuse(&twice(Op::MemoryModel), ErrorKind::InvalidSpirv, "two memory models");
    refuse(&without(Op::MemoryModel), ErrorKind::InvalidSpirv, "no memory model");
    refuse(&without(Op::TypeVoid), ErrorKind::InvalidSpirv, "is not defined before it");
    refuse(&without(Op::FunctionEnd), ErrorKind::InvalidSpirv, "is in the wrong place");
    refuse(&without(Op::Return), ErrorKind::InvalidSpirv, "is in the wrong place");
    refuse(&without(Op::EntryPoint), ErrorKind::EntryPoint, "no compute entry point");
    refuse(&without(Op::ExecutionMode), ErrorKind::InvalidSpirv, "no workgroup size");
    refuse(&without(Op::IMul), ErrorKind::InvalidSpirv, "used but never defined");
    refuse(&without(Op::FunctionParameter), ErrorKind::InvalidSpirv, "used but never defined");
    let late = edited(&good, |out, inst| {
        copy(out, inst);
        if inst.is(Op::TypeVoid) {
            emit(out, Op::Capability, &[1]);
        }
    });
    refuse(&late, ErrorKind::InvalidSpirv, "is too late");
}

#[test]
fn recursion_and_odd_calls() {
    use crate::compile::spirv::reflect::tests::{HEAD, module};
    let call = |callee: &str| module(HEAD, "", "", &format!("%r = OpFunctionCall %void {callee}"));
    let Some(code) = assemble(&call("%main")) else { return };
    refuse(&code, ErrorKind::InvalidSpirv, "calls itself");
    refuse(&assemble(&call("%u1")).unwrap(), ErrorKind::InvalidSpirv, "is not a function");
    refuse(&assemble(&call("%main %u1")).unwrap(), ErrorKind::InvalidSpirv, "1 arguments, and it has 0 parameters");
    let around = "%f = OpFunction %void None %fn\n%fl = OpLabel\n%fr = OpFunctionCall %void %g\nOpReturn\nOpFunctionEnd\n\
        %g = OpFunction %void None %fn\n%gl = OpLabel\n%gr = OpFunctionCall %void %f\nOpReturn\nOpFunctionEnd";
    refuse(&assemble(&module(HEAD, "OpName %f \"f\"\nOpName %g \"g\"", around, "")).unwrap(), ErrorKind::InvalidSpirv, "calls itself");
    let jump = module(HEAD, "", "", "OpBranch %u1\n%other = OpLabel");
    refuse(&assemble(&jump).unwrap(), ErrorKind::InvalidSpirv, "is not one of its labels");
    let cycle = "%s = OpTypeStruct %t\n%t = OpTypeStruct %s";
    refuse(&assemble(&module(HEAD, "", cycle, "")).unwrap(), ErrorKind::InvalidSpirv, "is not defined before it");
}

#[test]
fn what_the_device_lacks() {
    use crate::compile::spirv::reflect::tests::{HEAD, module};
    let Some(code) = assemble(&module(
        &format!(
            "OpCapability ShaderClockKHR\nOpCapability Int64ImageEXT\nOpExtension \"SPV_KHR_shader_clock\"\nOpExtension \"SPV_EXT_shader_image_int64\"\n{HEAD}"
        ),
        "",
        "",
        "",
    )) else {
        return;
    };
    refuse(
        &code,
        ErrorKind::Unsupported,
        "the shader clock (SPIR-V ShaderClockKHR), images (SPIR-V Int64ImageEXT): this device lacks them",
    );
    let opencl = "OpCapability Kernel\nOpCapability Addresses\nOpMemoryModel Physical64 OpenCL\nOpEntryPoint Kernel %main \"main\"";
    refuse(&assemble(&module(opencl, "", "", "")).unwrap(), ErrorKind::Unsupported, "OpenCL");
}

#[test]
fn leniency_where_drivers_are_lenient() {
    let good = good();
    // Names that are not UTF-8, and constant operations with several indices. The parser of rspirv rejects both.
    let named = edited(&good, |out, inst| {
        if inst.is(Op::Name) {
            emit(out, Op::Name, &[inst.words[1], 0x0000_fffe]);
        } else {
            out.extend_from_slice(inst.words);
        }
    });
    let kernel = take(&named).unwrap();
    assert!(!kernel.interface.args[0].name.is_empty());
    use crate::compile::spirv::reflect::tests::{HEAD, module};
    let globals = "%v2 = OpTypeVector %uint 2\n%arr = OpTypeArray %v2 %u2\n%c = OpConstantComposite %v2 %u1 %u3\n\
        %cc = OpConstantComposite %arr %c %c\n%e = OpSpecConstantOp %uint CompositeExtract %cc 1 1";
    let Some(code) = assemble(&module(HEAD, "", globals, "")) else { return };
    take(&code).unwrap();
}

/// A small random number generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// A module with a random mutation.
fn mutated(random: &mut Random, spirv: &[u32]) -> Vec<u8> {
    let module = Module::split(spirv).unwrap();
    let mut insts: Vec<Vec<u32>> = module.insts.iter().map(|inst| inst.words.to_vec()).collect();
    for _ in 0..=random.below(3) {
        let (a, b) = (random.below(insts.len()), random.below(insts.len()));
        match random.below(8) {
            0 => drop(insts.remove(a)),
            1 => insts.insert(b, insts[a].clone()),
            2 => insts.swap(a, b),
            3 => {
                // A word of one instruction replaces a word of another. Mostly this replaces an id by an id.
                let (from, to) = (random.below(insts[b].len()), random.below(insts[a].len()));
                let word = insts[b][from];
                insts[a][to] = word;
            }
            4 => {
                let at = random.below(insts[a].len());
                insts[a][at] = insts[a][at].wrapping_add(random.below(7) as u32).wrapping_sub(3);
            }
            5 => {
                let at = random.below(insts[a].len());
                insts[a][at] ^= 1 << random.below(32);
            }
            6 if insts[a].len() > 1 => {
                // The instruction is shorter but still well-formed.
                insts[a].pop();
                let length = (insts[a].len() as u32) << 16;
                insts[a][0] = (insts[a][0] & 0xffff) | length;
            }
            _ => {
                let at = random.below(insts[a].len());
                insts[a][at] = random.next() as u32;
            }
        }
        if insts.is_empty() {
            break;
        }
    }
    let mut out = module.header.to_vec();
    out.extend(insts.into_iter().flatten());
    let mut code = bytes(&out);
    match random.below(6) {
        0 => code.truncate(random.below(code.len() + 1)),
        1 => {
            let at = random.below(code.len());
            code[at] = random.next() as u8;
        }
        _ => {}
    }
    code
}

#[test]
fn mutations_never_panic() {
    let sources = [
        "@group(0) @binding(0) var<storage, read_write> x: array<u32>; fn twice(a: u32) -> u32 { return a * 2u; }
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) { if id.x < arrayLength(&x) { x[id.x] = twice(x[id.x]); } }",
        "struct S { a: vec3<f32>, m: mat3x3<f32>, l: array<vec2<f32>, 3>, t: array<u32> }
        @group(1) @binding(2) var<storage, read_write> s: S; var<immediate> p: vec4<u32>; var<workgroup> w: array<array<u32, 4>, 8>;
        @compute @workgroup_size(4, 2) fn main(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
            w[p.x & 7u][g.x] = n.y; workgroupBarrier(); switch s.t[p.y] { case 1, 2: { s.a.x = s.m[1][2]; } case 7: { s.l[2].y = 1.0; } default: { s.t[0] = w[1][1]; } } }",
        "@group(0) @binding(0) var<storage, read_write> c: array<atomic<u32>>; @group(0) @binding(1) var<uniform> u: array<vec4<f32>, 4>;
        @compute @workgroup_size(32) fn main(@builtin(local_invocation_index) i: u32) { atomicAdd(&c[i], u32(u[i & 3u].x)); for (var k = 0u; k < 4u; k++) { atomicMax(&c[k], subgroupAdd(k)); } }",
    ];
    let mut modules: Vec<Vec<u32>> = sources.iter().map(|source| compile(source).unwrap_or_else(|error| panic!("{error}")).spirv).collect();
    // Three more modules, made without other tools: the variants.
    for index in 0..3 {
        let kernel = take(&bytes(&modules[index])).unwrap();
        let code = variant(&kernel, Variant { aliased: true, split: !kernel.interface.reads_num_workgroups }).unwrap();
        modules.push(code.spirv);
    }
    let glsl_source = "#version 450\nlayout(local_size_x_id = 0) in; layout(constant_id = 1) const uint T = 8; shared uint t[T * 2 + 1];
        layout(set = 0, binding = 0) buffer B { uint b[]; }; void f(inout uint a) { a += 1; }
        void main() { uint k = gl_GlobalInvocationID.x; f(k); t[k % T] = b[k]; barrier(); b[k] = t[0] + gl_NumWorkGroups.x; }";
    if let Some(code) = glsl(glsl_source, "vulkan1.3") {
        modules.push(crate::compile::spirv::module::from_bytes(&code).unwrap());
    }
    // AVX_GPU_TEST_SEED selects other mutations.
    let seed = std::env::var("AVX_GPU_TEST_SEED").ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut passed = 0;
    let device = target();
    for round in 0..20_000 {
        let code = mutated(&mut random, &modules[round % modules.len()]);
        // The test runs the whole compilation. It also runs the reflection alone, because the checks reject many modules earlier.
        match spirv(&code, &Request::default(), &device) {
            Ok(kernel) => {
                passed += 1;
                for (aliased, split) in [(true, false), (false, true)] {
                    let _ = variant(&kernel, Variant { aliased, split });
                }
            }
            Err(error) => assert!(!error.message.is_empty() && error.kind != ErrorKind::Internal, "{error}"),
        }
        if let Ok(words) = crate::compile::spirv::module::from_bytes(&code)
            && let Ok(split) = Module::split(&words)
            && let Ok(index) = Index::new(split)
        {
            let _ = crate::compile::spirv::reflect::interface(&index, None);
            let _ = crate::compile::passes::strip_layouts::repair(&index);
            let _ = crate::compile::passes::barrier_semantics::repair(&index);
        }
    }
    assert!(passed > 100, "only {passed} mutations passed the checks: they are not near enough to what is right");
}
