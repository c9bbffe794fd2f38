//! Modules with arrays and structs in buffers and in workgroup memory: every output is valid, and no layout is where Vulkan forbids it.

use super::*;
use crate::compile::testing::*;

/// The pointees that the rule VUID-StandaloneSpirv-None-10684 forbids, found without the code under test.
fn misplaced(spirv: &[u32]) -> Vec<String> {
    let index = Index::of(spirv).unwrap();
    let bare: &[StorageClass] = if index.module.version > (1, 4) {
        &[StorageClass::Workgroup, StorageClass::Function, StorageClass::Private]
    } else {
        &[StorageClass::Workgroup]
    };
    let mut found = Vec::new();
    for inst in index.module.insts.iter().filter(|inst| inst.is(Op::TypePointer)) {
        let mut open = vec![inst.word(3).unwrap()];
        if !bare.iter().any(|&class| inst.word(2) == Some(class as u32)) {
            continue;
        }
        while let Some(ty) = open.pop() {
            let members = parts(index.def(ty).unwrap());
            let offset = (0..members.len() as u32).any(|member| index.member_decoration(ty, member, Decoration::Offset).is_some());
            if offset || index.decoration(ty, Decoration::ArrayStride).is_some() {
                found.push(format!("%{ty} behind %{}", inst.word(1).unwrap()));
            }
            open.extend_from_slice(members);
        }
    }
    found
}

/// Compiles for every Vulkan version, and checks the output and its variants.
fn check(source: &str) {
    for (environment, target) in targets() {
        let kernel = compile_for(source, None, &target).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(misplaced(&kernel.spirv), Vec::<String>::new(), "{environment}");
        validate(&kernel.spirv, environment);
        let again = crate::compile::from_spirv::spirv(&bytes(&kernel.spirv), &Request::default(), &target).unwrap();
        assert_eq!(again.interface, kernel.interface);
    }
}

#[test]
fn workgroup_array_alone() {
    check(
        "var<workgroup> tile: array<f32, 64>;
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
            tile[i] = f32(i); workgroupBarrier(); y[i] = tile[63u - i];
        }",
    );
}

#[test]
fn array_in_buffer_and_workgroup_copied_whole() {
    check(
        "struct Block { head: u32, values: array<vec3<f32>, 4>, m: mat3x3<f32> }
        struct All { count: u32, blocks: array<Block> }
        @group(0) @binding(0) var<storage, read_write> all: All;
        @group(0) @binding(1) var<uniform> one: Block;
        var<workgroup> shared_block: Block;
        var<workgroup> shared_values: array<vec3<f32>, 4>;
        var<private> mine: Block;
        fn change(b: Block) -> Block { var c = b; c.values[c.head & 3u].x += 1.0; return c; }
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) w: vec3<u32>) {
            shared_block = all.blocks[w.x];
            shared_values = one.values;
            workgroupBarrier();
            mine = change(shared_block);
            mine.values = shared_values;
            all.blocks[w.x + 1u] = mine;
            all.blocks[w.x + 2u] = change(one);
            all.blocks[w.x + 3u].values = shared_values;
            all.count = arrayLength(&all.blocks);
        }",
    );
}

#[test]
fn nested_arrays_and_locals() {
    check(
        "struct Inner { a: array<array<u32, 3>, 2>, b: vec2<f32> }
        struct Outer { inner: array<Inner, 2>, tail: f32 }
        @group(1) @binding(3) var<storage, read_write> data: Outer;
        @group(0) @binding(0) var<storage, read> table: array<array<u32, 3>, 2>;
        const CONSTANT = array<u32, 3>(1u, 2u, 3u);
        @compute @workgroup_size(8, 8) fn main(@builtin(local_invocation_id) id: vec3<u32>) {
            var local: Outer;
            local.inner[id.x & 1u].a[id.y & 1u] = CONSTANT;
            var copy = table;
            copy[1][id.x % 3u] += 1u;
            local.inner[0].a = copy;
            data = local;
            data.inner[1].a = table;
        }",
    );
}

#[test]
fn uniform_matrices_of_two_rows() {
    check(
        "struct P { m: mat3x2<f32>, @align(16) list: array<mat2x2<f32>, 2>, scale: array<vec4<f32>, 2> }
        @group(0) @binding(0) var<uniform> p: P;
        @group(0) @binding(1) var<storage, read_write> out: array<f32>;
        @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            var local = p;
            var scale = p.scale;
            out[id.x] = local.m[id.x & 1u].x + local.list[1][0][1] + p.m[id.y & 1u].y + scale[id.x & 1u].z;
        }",
    );
}

#[test]
fn atomics_in_workgroup_arrays() {
    check(
        "struct Bin { count: atomic<u32>, pad: u32 }
        var<workgroup> bins: array<Bin, 16>;
        var<workgroup> plain: array<atomic<u32>, 16>;
        @group(0) @binding(0) var<storage, read_write> out: array<Bin, 16>;
        @compute @workgroup_size(16) fn main(@builtin(local_invocation_index) i: u32) {
            atomicAdd(&bins[i].count, 1u);
            atomicMax(&plain[i], i);
            workgroupBarrier();
            atomicAdd(&out[i].count, atomicLoad(&bins[i].count) + atomicLoad(&plain[i]));
        }",
    );
}

#[test]
fn too_large_to_convert_before_vulkan_1_2() {
    let source = "struct Big { a: array<u32, 5000> }
        @group(0) @binding(0) var<storage, read_write> big: Big;
        var<workgroup> shared_big: Big;
        @compute @workgroup_size(1) fn main() { shared_big = big; workgroupBarrier(); big = shared_big; }";
    let [(_, old), (_, new), _] = targets();
    let error = compile_for(source, None, &old).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message.contains("4096 parts"), "{error}");
    compile_for(source, None, &new).unwrap();
}
