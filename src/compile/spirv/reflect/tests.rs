//! Interfaces of modules that other compilers or people wrote.

use super::*;
use crate::compile::from_spirv::spirv;
use crate::compile::kernel::CompiledKernel;
use crate::compile::testing::*;

/// A module in assembly, from the lines of `globals` and of the body of `main`. The ids %void, %uint, %float, %u0 to %u3 and %main are
/// defined.
pub(crate) fn module(head: &str, annotations: &str, globals: &str, body: &str) -> String {
    format!(
        "OpCapability Shader\n{head}\n{annotations}\n%void = OpTypeVoid\n%fn = OpTypeFunction %void\n%uint = OpTypeInt 32 0\n\
         %float = OpTypeFloat 32\n%u0 = OpConstant %uint 0\n%u1 = OpConstant %uint 1\n%u2 = OpConstant %uint 2\n\
         %u3 = OpConstant %uint 3\n{globals}\n%main = OpFunction %void None %fn\n%entry = OpLabel\n{body}\nOpReturn\nOpFunctionEnd\n"
    )
}

/// The usual first lines of a module.
pub(crate) const HEAD: &str = "OpMemoryModel Logical GLSL450\nOpEntryPoint GLCompute %main \"main\"\nOpExecutionMode %main LocalSize 8 4 2";

/// A storage buffer `%name` of floats at a binding of group 0.
fn floats(name: &str, binding: u32) -> (String, String) {
    let annotations = format!(
        "OpName %{name} \"{name}\"\nOpDecorate %a_{name} ArrayStride 4\nOpDecorate %b_{name} Block\nOpMemberDecorate %b_{name} 0 Offset 0\n\
         OpDecorate %{name} DescriptorSet 0\nOpDecorate %{name} Binding {binding}"
    );
    let globals = format!(
        "%a_{name} = OpTypeRuntimeArray %float\n%b_{name} = OpTypeStruct %a_{name}\n%p_{name} = OpTypePointer StorageBuffer %b_{name}\n\
         %{name} = OpVariable %p_{name} StorageBuffer"
    );
    (annotations, globals)
}

/// Compiles the module, if an assembler is installed.
fn take(text: &str) -> Option<crate::compile::base::error::Result<CompiledKernel>> {
    // Names come before decorations.
    Some(spirv(&assemble(text)?, &Request::default(), &target()))
}

/// The interface of a valid module.
fn interface(text: &str) -> Option<Interface> {
    let code = assemble(text)?;
    let outcome = spirv(&code, &Request::default(), &target());
    let kernel = outcome.unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(bytes(&kernel.spirv), code, "the words are not touched");
    Some(kernel.interface)
}

/// Two buffers, and the uses of x and y in a body: (read, write, atomic only).
fn access(head: &str, globals: &str, body: &str) -> Option<[(bool, bool, bool); 2]> {
    let ((names_x, globals_x), (names_y, globals_y)) = (floats("x", 0), floats("y", 1));
    let annotations = format!("{names_x}\n{names_y}");
    let mut lines: Vec<&str> = annotations.lines().collect();
    lines.sort_by_key(|line| !line.starts_with("OpName"));
    let all = format!("{globals_x}\n{globals_y}\n%pf = OpTypePointer StorageBuffer %float\n{globals}");
    let interface = interface(&module(head, &lines.join("\n"), &all, body))?;
    let of = |name: &str| {
        let arg = interface.args.iter().find(|arg| arg.name == name);
        arg.map_or((false, false, false), |arg| (arg.read, arg.write, arg.atomic_only))
    };
    Some([of("x"), of("y")])
}

#[test]
fn pointers_are_followed() {
    const NO: (bool, bool, bool) = (false, false, false);
    const READ: (bool, bool, bool) = (true, false, false);
    const WRITE: (bool, bool, bool) = (false, true, false);
    const BOTH: (bool, bool, bool) = (true, true, false);
    const ATOMIC: (bool, bool, bool) = (true, true, true);
    let variable = format!("OpCapability VariablePointers\n{HEAD}");
    let px = "%px = OpAccessChain %pf %x %u0 %u1\n";
    let py = "%py = OpInBoundsAccessChain %pf %y %u0 %u2\n";
    /// The first lines, the globals, the body, and the uses of x and y.
    type Case<'a> = (&'a str, &'a str, String, [(bool, bool, bool); 2]);
    let cases: &[Case<'_>] = &[
        (HEAD, "", format!("{px}{py}%v = OpLoad %float %px\nOpStore %py %v"), [READ, WRITE]),
        (HEAD, "", format!("{px}{py}%c = OpCopyObject %pf %px\nOpCopyMemory %py %c"), [READ, WRITE]),
        (HEAD, "", "%n = OpArrayLength %uint %x 0".into(), [NO, NO]),
        (
            &variable,
            "%bool = OpTypeBool\n%true = OpConstantTrue %bool",
            format!("{px}{py}%s = OpSelect %pf %true %px %py\n%v = OpLoad %float %s"),
            [READ, READ],
        ),
        (
            &variable,
            "%bool = OpTypeBool\n%true = OpConstantTrue %bool",
            format!(
                "{px}{py}OpSelectionMerge %m None\nOpBranchConditional %true %t %m\n%t = OpLabel\nOpBranch %m\n%m = OpLabel\n\
                 %s = OpPhi %pf %px %t %py %entry\nOpStore %s %zero"
            ),
            [WRITE, WRITE],
        ),
        (
            &variable,
            "%ppf = OpTypePointer Private %pf\n%keep = OpVariable %ppf Private",
            format!("{px}OpStore %keep %px\n%l = OpLoad %pf %keep\n%v = OpLoad %float %l"),
            [BOTH, NO],
        ),
        (HEAD, "", format!("{px}%v = OpAtomicExchange %float %px %u1 %u0 %zero"), [ATOMIC, NO]),
        (HEAD, "", format!("{px}{py}%v = OpAtomicLoad %float %px %u1 %u0\nOpAtomicStore %py %u1 %u0 %v"), [READ, WRITE]),
        (HEAD, "", format!("{px}%v = OpAtomicExchange %float %px %u1 %u0 %zero\nOpStore %px %v"), [BOTH, NO]),
    ];
    for (head, globals, body, expected) in cases {
        let Some(found) = access(head, &format!("%zero = OpConstant %float 0\n{globals}"), body) else { return };
        assert_eq!(found, *expected, "{body}");
    }
}

#[test]
fn calls_carry_accesses_to_arguments() {
    let (names, globals) = floats("x", 0);
    let head = format!("OpCapability VariablePointersStorageBuffer\n{HEAD}");
    let text = module(
        &head,
        &names,
        &format!(
            "{globals}\n%pf = OpTypePointer StorageBuffer %float\n%fp = OpTypeFunction %void %pf\n%zero = OpConstant %float 0\n\
             %callee = OpFunction %void None %fp\n%q = OpFunctionParameter %pf\n%l = OpLabel\nOpStore %q %zero\nOpReturn\nOpFunctionEnd"
        ),
        "%px = OpAccessChain %pf %x %u0 %u1\n%r = OpFunctionCall %void %callee %px",
    );
    let Some(interface) = interface(&text) else { return };
    assert_eq!((interface.args[0].read, interface.args[0].write), (false, true));
}

#[test]
fn workgroup_sizes() {
    let with =
        |head: &str, annotations: &str, globals: &str| interface(&module(head, annotations, globals, "")).map(|found| found.workgroup_size);
    let by_id = "OpMemoryModel Logical GLSL450\nOpEntryPoint GLCompute %main \"main\"\nOpExecutionModeId %main LocalSizeId %n %m %u1";
    let Some(plain) = with(HEAD, "", "") else { return };
    assert_eq!(plain, [8, 4, 2]);
    let globals = "%n = OpSpecConstant %uint 64\n%m = OpSpecConstantOp %uint IMul %u2 %u3";
    assert_eq!(with(by_id, "OpDecorate %n SpecId 0", globals), Some([64, 6, 1]));
    let globals = "%n = OpSpecConstant %uint 16\n%v3 = OpTypeVector %uint 3\n%size = OpSpecConstantComposite %v3 %n %u2 %u1\n\
        %part = OpSpecConstantOp %uint CompositeExtract %size 0";
    assert_eq!(with(HEAD, "OpDecorate %size BuiltIn WorkgroupSize", globals), Some([16, 2, 1]));
    let none = "OpMemoryModel Logical GLSL450\nOpEntryPoint GLCompute %main \"main\"";
    assert!(take(&module(none, "", "", "")).unwrap().unwrap_err().message.contains("no workgroup size"));
}

#[test]
fn spec_constants_size_arrays() {
    let globals = "%n = OpSpecConstant %uint 5\n%wide = OpTypeInt 64 1\n%big = OpConstant %wide 0x100000000\n\
        %len = OpSpecConstantOp %uint ShiftLeftLogical %n %u2\n%less = OpSpecConstantOp %uint ISub %len %u1\n\
        %arr = OpTypeArray %float %less\n%pw = OpTypePointer Workgroup %arr\n%w = OpVariable %pw Workgroup\n\
        %pwf = OpTypePointer Workgroup %float\n%zero = OpConstant %float 0";
    let text = module(
        &format!("OpCapability Int64\n{HEAD}"),
        "OpDecorate %n SpecId 3",
        globals,
        "%p = OpAccessChain %pwf %w %u0\nOpStore %p %zero",
    );
    let Some(interface) = interface(&text) else { return };
    assert_eq!(interface.shared_memory, 19 * 4);
}

#[test]
fn old_blocks_groups_of_decorations_and_views() {
    let annotations = "OpName %x \"x\"\nOpName %view \"view\"\nOpDecorate %arr ArrayStride 4\nOpDecorate %arr4 ArrayStride 16\nOpDecorate %blk BufferBlock\n\
        OpMemberDecorate %blk 0 Offset 0\nOpDecorate %blk4 BufferBlock\nOpMemberDecorate %blk4 0 Offset 0\n\
        OpMemberDecorate %blk4 0 NonWritable\nOpDecorate %place DescriptorSet 1\nOpDecorate %place Binding 2\n\
        %place = OpDecorationGroup\nOpGroupDecorate %place %x %view";
    let globals = "%arr = OpTypeRuntimeArray %float\n%blk = OpTypeStruct %arr\n%pb = OpTypePointer Uniform %blk\n%x = OpVariable %pb Uniform\n\
        %v4 = OpTypeVector %float 4\n%arr4 = OpTypeRuntimeArray %v4\n%blk4 = OpTypeStruct %arr4\n%pb4 = OpTypePointer Uniform %blk4\n\
        %view = OpVariable %pb4 Uniform\n%pf = OpTypePointer Uniform %float\n%pf4 = OpTypePointer Uniform %v4";
    let body = "%px = OpAccessChain %pf %x %u0 %u0\n%p4 = OpAccessChain %pf4 %view %u0 %u0\n%v = OpLoad %v4 %p4\n\
        %s = OpCompositeExtract %float %v 0\nOpStore %px %s";
    let Some(interface) = interface(&module(HEAD, annotations, globals, body)) else { return };
    let [arg] = interface.args.as_slice() else { panic!("{interface:?}") };
    assert_eq!((arg.group, arg.binding, arg.kind, arg.name.as_str()), (1, 2, BindingKind::Storage, "x"));
    assert_eq!((arg.read, arg.write, arg.min_size, arg.stride), (true, true, 16, 4));
}

#[test]
fn raw_addresses() {
    let head = "OpCapability PhysicalStorageBufferAddresses\nOpMemoryModel PhysicalStorageBuffer64 GLSL450\n\
        OpEntryPoint GLCompute %main \"main\"\nOpExecutionMode %main LocalSize 1 1 1";
    let annotations = "OpDecorate %list Block\nOpMemberDecorate %list 0 Offset 0\nOpMemberDecorate %list 1 Offset 8\n\
        OpDecorate %push Block\nOpMemberDecorate %push 0 Offset 0";
    let globals = "OpTypeForwardPointer %pl PhysicalStorageBuffer\n%list = OpTypeStruct %pl %uint\n\
        %pl = OpTypePointer PhysicalStorageBuffer %list\n%push = OpTypeStruct %pl\n%pp = OpTypePointer PushConstant %push\n\
        %pc = OpVariable %pp PushConstant\n%ppl = OpTypePointer PushConstant %pl\n%pu = OpTypePointer PhysicalStorageBuffer %uint";
    let body = "%a = OpAccessChain %ppl %pc %u0\n%l = OpLoad %pl %a\n%b = OpAccessChain %pu %l %u1\nOpStore %b %u3 Aligned 4";
    let Some(interface) = interface(&module(head, annotations, globals, body)) else { return };
    assert!(interface.has_raw_addresses);
    let [arg] = interface.args.as_slice() else { panic!("{interface:?}") };
    assert_eq!((arg.kind, arg.min_size, arg.padded_size, arg.read, arg.write), (BindingKind::PushConstants, 8, 16, true, false));
}

#[test]
fn glsl_kernels() {
    let text = "#version 450
        #extension GL_KHR_shader_subgroup_arithmetic : require
        #extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
        layout(local_size_x_id = 0, local_size_y = 2) in;
        layout(set = 0, binding = 0) readonly buffer A { float a[]; };
        layout(set = 0, binding = 0) readonly buffer A4 { vec4 a4[]; };
        layout(set = 0, binding = 1) writeonly buffer B { mat3 m; layout(row_major) mat2x3 n; float16_t b[]; } outs;
        layout(set = 0, binding = 2) buffer C { uint counter; } c;
        layout(push_constant) uniform P { uint count; float scale; } p;
        layout(constant_id = 1) const uint TILE = 8;
        shared vec4 tile[TILE * 2];
        void main() {
            uint i = gl_GlobalInvocationID.x;
            tile[gl_LocalInvocationIndex % TILE] = a4[i];
            barrier();
            float sum = subgroupAdd(a[i] * tile[0].x);
            if (i < p.count) outs.b[i] = float16_t(sum * p.scale);
            atomicAdd(c.counter, 1);
        }";
    for environment in ["vulkan1.1", "vulkan1.3"] {
        let Some(code) = glsl(text, environment) else { return };
        let kernel =
            spirv(&code, &Request { entry: Some("main"), ..Request::default() }, &target()).unwrap_or_else(|error| panic!("{error}"));
        let names: Vec<_> =
            kernel.interface.args.iter().map(|arg| (arg.binding, arg.read, arg.write, arg.atomic_only, arg.min_size)).collect();
        assert_eq!(
            names,
            [(0, true, false, false, 16), (1, false, true, false, 48 + 24 + 2), (2, true, true, true, 4), (0, true, false, false, 8)]
        );
        assert_eq!(kernel.interface.workgroup_size, [1, 2, 1]);
        assert_eq!(kernel.interface.shared_memory, 256);
        assert!(kernel.interface.reads_global_id);
    }
    let Some(code) = glsl(
        "#version 450\nlayout(set = 0, binding = 3) uniform sampler2D map; layout(set = 0, binding = 0) buffer B { vec4 b; };\nvoid main() { b = texture(map, vec2(0)); }",
        "vulkan1.1",
    ) else {
        return;
    };
    let error = spirv(&code, &Request::default(), &target()).unwrap_err();
    assert!(error.message.contains("map is a sampled image"), "{error}");
    let Some(code) =
        glsl("#version 450\nlayout(set = 0, binding = 3) buffer B { uint b[]; } list[4];\nvoid main() { list[2].b[0] = 1; }", "vulkan1.1")
    else {
        return;
    };
    let error = spirv(&code, &Request::default(), &target()).unwrap_err();
    assert!(error.message.contains("list is an array of bindings"), "{error}");
}

/// A member: name, type of the numbers, bits, rows and columns, offset, size, arrays.
type Row<'a> = (&'a str, crate::compile::base::interface::Scalar, u32, (u32, u32), u64, u64, &'a [(u64, u64)]);

#[test]
fn members_of_blocks() {
    use crate::compile::base::interface::Scalar::{Float, Int, Uint};
    let text = "#version 450
        #extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
        struct Light { vec3 color; float power[3]; };
        layout(set = 0, binding = 0) uniform U { uint n; ivec2 at; mat3 m; layout(row_major) mat2x3 r; Light lights[2]; Light one; } u;
        layout(set = 0, binding = 1) buffer B { float16_t list[]; } b;
        void main() { b.list[u.n] = float16_t(u.m[0][0] + u.r[0][0] + u.lights[1].power[2] + u.one.color.x + u.at.x); }";
    let Some(code) = glsl(text, "vulkan1.1") else { return };
    let kernel = spirv(&code, &Request::default(), &target()).unwrap();
    let rows = |arg: usize| -> Vec<Row<'_>> {
        let list = kernel.interface.members[arg].list.iter();
        list.map(|m| (m.name.as_str(), m.scalar, m.bits, (m.rows, m.columns), m.offset, m.size, m.arrays.as_slice())).collect()
    };
    let expected: [Row<'_>; 8] = [
        ("n", Uint, 32, (1, 1), 0, 4, &[]),
        ("at", Int, 32, (2, 1), 8, 8, &[]),
        ("m", Float, 32, (3, 3), 16, 44, &[]),
        ("r", Float, 32, (3, 2), 64, 40, &[]),
        ("lights[].color", Float, 32, (3, 1), 112, 12, &[(2, 64)]),
        ("lights[].power", Float, 32, (1, 1), 128, 4, &[(2, 64), (3, 16)]),
        ("one.color", Float, 32, (3, 1), 240, 12, &[]),
        ("one.power", Float, 32, (1, 1), 256, 4, &[(3, 16)]),
    ];
    assert_eq!(rows(0), expected);
    let matrices: Vec<_> = kernel.interface.members[0].list[2..4].iter().map(|m| (m.matrix_stride, m.row_major)).collect();
    assert_eq!(matrices, [(16, false), (16, true)]);
    assert_eq!(rows(1), [("list", Float, 16, (1, 1), 0, 2, [(0, 2)].as_slice())]);
}

#[test]
fn structs_that_nest_without_end_are_cut() {
    // Each struct contains the previous one twice: 2^30 members, or none at all.
    for leaf in ["%uint", ""] {
        let nested: Vec<String> = (1..=30).map(|i| format!("%s{i} = OpTypeStruct %s{} %s{}", i - 1, i - 1)).collect();
        let offsets: Vec<String> =
            (1..=30).map(|i| format!("OpMemberDecorate %s{i} 0 Offset 0\nOpMemberDecorate %s{i} 1 Offset 4")).collect();
        let own = if leaf.is_empty() { "" } else { "OpMemberDecorate %s0 0 Offset 0\n" };
        let annotations =
            format!("OpDecorate %s30 Block\nOpDecorate %v DescriptorSet 0\nOpDecorate %v Binding 0\n{own}{}", offsets.join("\n"));
        let globals = format!(
            "%s0 = OpTypeStruct {leaf}\n{}\n%p = OpTypePointer Uniform %s30\n%v = OpVariable %p Uniform\n%ps = OpTypePointer Uniform %s29",
            nested.join("\n")
        );
        let body = "%a = OpAccessChain %ps %v %u0\n%l = OpLoad %s29 %a";
        let Some(code) = assemble(&module(HEAD, &annotations, &globals, body)) else { return };
        let words = crate::compile::spirv::module::from_bytes(&code).unwrap();
        let index = Index::of(&words).unwrap();
        let block = pointee(&index, index.globals[0].0).unwrap().0;
        let members = members::of(&index, &mut Layout::new(&index), block).unwrap();
        assert!(members.is_cut);
        assert!(members.list.len() <= 4096);
    }
}

#[test]
fn a_glsl_kernel_is_split_by_whole_loads_only() {
    let whole = "#version 450\nlayout(local_size_x = 64) in; layout(set = 0, binding = 0) buffer B { uint b[]; };
        void main() { uvec3 id = gl_GlobalInvocationID; b[id.x] = id.y; }";
    let Some(code) = glsl(whole, "vulkan1.2") else { return };
    let kernel = spirv(&code, &Request::default(), &target()).unwrap();
    let split = crate::compile::passes::variant::Variant { aliased: true, split: true };
    validate(&crate::compile::passes::variant::variant(&kernel, split).unwrap().spirv, "vulkan1.2");
    let Some(code) = glsl(&whole.replace("id.x", "gl_WorkGroupID.x"), "vulkan1.2") else { return };
    let kernel = spirv(&code, &Request::default(), &target()).unwrap();
    assert!(crate::compile::passes::variant::variant(&kernel, split).unwrap_err().message.contains("pointer to its workgroup id"));
}
