//! Variants are valid, have the interface of the original kernel, and do what they are for.

use super::*;
use crate::compile::base::error::ErrorKind;
use crate::compile::from_spirv::spirv;
use crate::compile::spirv::module::Module;
use crate::compile::spirv::{reflect, validate};
use crate::compile::testing::*;

/// A kernel that reads every built-in value that splitting changes.
const ALL_IDS: &str = "struct In { @builtin(workgroup_id) w: vec3<u32>, @builtin(global_invocation_id) g: vec3<u32> }
    @group(1) @binding(4) var<storage, read> x: array<u32>;
    @group(1) @binding(9) var<storage, read_write> y: array<u32>;
    @group(2) @binding(0) var<uniform> u: vec4<u32>;
    var<workgroup> tile: array<u32, 8>;
    @compute @workgroup_size(4, 2, 1) fn main(in: In, @builtin(local_invocation_index) i: u32) {
        tile[i] = x[in.g.x] + u.x;
        workgroupBarrier();
        y[in.w.x + in.w.y * 8u + in.g.y] = tile[7u - i] + in.w.z;
    }";

/// The number of decorations of a kind in a module.
fn decorations(spirv: &[u32], decoration: Decoration) -> Vec<u32> {
    let module = Module::split(spirv).unwrap();
    let found = module.insts.iter().filter(|inst| inst.is(Op::Decorate) && inst.word(2) == Some(decoration as u32));
    found.map(|inst| inst.word(1).unwrap()).collect()
}

#[test]
fn all_variants_are_valid() {
    for source in [
        ALL_IDS,
        "@compute @workgroup_size(64) fn main() {}",
        "@group(0) @binding(3) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(workgroup_id) w: vec3<u32>) { y[w.x] = w.y; }",
        "@group(0) @binding(0) var<storage, read_write> y: array<u32>; @group(0) @binding(1) var<uniform> other: vec3<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) g: vec3<u32>) { y[g.x] = g.y + other.x; }",
    ] {
        for (environment, target) in targets() {
            let kernel = compile_for(source, None, &target).unwrap_or_else(|error| panic!("{error}"));
            for (aliased, split) in [(false, false), (true, false), (false, true), (true, true)] {
                let code = variant(&kernel, Variant { aliased, split }).unwrap();
                validate(&code.spirv, environment);
                let module = Module::split(&code.spirv).unwrap();
                validate::check(&module, &target).unwrap_or_else(|error| panic!("{error}"));
                let interface = reflect::interface(&Index::new(module).unwrap(), None).unwrap();
                let own = interface.args.iter().filter(|arg| Some((arg.group, arg.binding)) != code.base_binding);
                let mut own: Vec<_> = own.cloned().collect();
                own.iter_mut().for_each(|arg| arg.aliased = false);
                assert_eq!(own, kernel.interface.args);
                let reads = kernel.interface.reads_global_id || source.contains("workgroup_id");
                let added = interface.args.iter().find(|arg| Some((arg.group, arg.binding)) == code.base_binding);
                assert_eq!(added.map(|arg| arg.min_size), (split && reads).then_some(12));
            }
        }
    }
}

#[test]
fn aliased_marks_storage_buffers_only() {
    let kernel = compile(ALL_IDS).unwrap();
    assert_eq!(decorations(&kernel.spirv, Decoration::Aliased).len(), 0);
    let code = variant(&kernel, Variant { aliased: true, split: false }).unwrap();
    assert_eq!(decorations(&code.spirv, Decoration::Aliased).len(), 2);
    let again = spirv(&bytes(&code.spirv), &Request::default(), &target()).unwrap();
    let aliased: Vec<bool> = again.interface.args.iter().map(|arg| arg.aliased).collect();
    assert_eq!(aliased, [true, true, false]);
    // A kernel that already has the decoration gets no second one.
    let twice = variant(&again, Variant { aliased: true, split: false }).unwrap();
    assert_eq!(decorations(&twice.spirv, Decoration::Aliased).len(), 2);
}

#[test]
fn restrict_goes() {
    let kernel = compile(ALL_IDS).unwrap();
    let index = Index::of(&kernel.spirv).unwrap();
    let variable = index.globals_in(StorageClass::StorageBuffer).next().unwrap();
    let mut restricted = index.module.header.to_vec();
    let mut done = false;
    for inst in &index.module.insts {
        if inst.is(Op::Decorate) && !std::mem::replace(&mut done, true) {
            emit(&mut restricted, Op::Decorate, &[variable, Decoration::Restrict as u32]);
        }
        restricted.extend_from_slice(inst.words);
    }
    validate(&restricted, "vulkan1.3");
    let kernel = spirv(&bytes(&restricted), &Request::default(), &target()).unwrap();
    let code = variant(&kernel, Variant { aliased: true, split: false }).unwrap();
    assert!(decorations(&code.spirv, Decoration::Restrict).is_empty());
    validate(&code.spirv, "vulkan1.3");
}

#[test]
fn split_takes_a_free_binding_and_adds_the_base() {
    let kernel = compile(ALL_IDS).unwrap();
    let code = variant(&kernel, Variant { aliased: false, split: true }).unwrap();
    assert_eq!(code.base_binding, Some((1, 10)));
    // Both ids are sums now, and the invocation id includes a product with the workgroup size.
    let before = Module::split(&kernel.spirv).unwrap();
    let after = Module::split(&code.spirv).unwrap();
    let count = |module: &Module<'_>, op| module.insts.iter().filter(|inst| inst.is(op)).count();
    assert_eq!(count(&after, Op::IAdd), count(&before, Op::IAdd) + 2);
    assert_eq!(count(&after, Op::IMul), count(&before, Op::IMul) + 1);
    let index = Index::new(after).unwrap();
    let product = index.module.insts.iter().filter(|inst| inst.is(Op::IMul)).find_map(|inst| index.constants.three(inst.word(4)?));
    assert_eq!(product, Some([4, 2, 1]));
}

#[test]
fn a_kernel_that_counts_workgroups_is_not_split() {
    let kernel = compile(
        "@group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(num_workgroups) n: vec3<u32>) { y[0] = n.x; }",
    )
    .unwrap();
    let error = variant(&kernel, Variant { aliased: false, split: true }).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message.contains("num_workgroups"), "{error}");
}
