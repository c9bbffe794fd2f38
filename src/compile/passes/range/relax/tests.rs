//! Clamps that are removed and clamps that stay: selected cases, and random programs that an interpreter checks.

mod program;

use std::collections::HashSet;

use super::*;
use crate::compile::testing::*;

/// The bounds of the remaining clamps.
fn clamps(source: &str) -> HashSet<u32> {
    let kernel = compile(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let index = Index::of(&kernel.spirv).unwrap();
    let set = index.module.insts.iter().find(|inst| inst.is(Op::ExtInstImport)).and_then(|inst| inst.word(1));
    index.module.insts.iter().filter_map(|&inst| limit(&index, inst, set)).map(|(_, most)| most).collect()
}

/// Whether the access to `t`, 64 words of workgroup memory, is clamped in a kernel with this body and a workgroup size of 64.
fn is_clamped(body: &str) -> bool {
    let source = format!(
        "@group(0) @binding(0) var<storage, read_write> b: array<u32>; var<workgroup> t: array<u32, 64>;
        @compute @workgroup_size(8, 8) fn main(@builtin(local_invocation_index) i: u32, @builtin(local_invocation_id) l: vec3<u32>,
            @builtin(global_invocation_id) g: vec3<u32>) {{ {body} }}"
    );
    !clamps(&source).is_empty()
}

#[test]
fn what_is_in_range_loses_its_clamp() {
    for body in [
        "t[i] = 1u;",
        "t[l.y * 8u + l.x] = 1u;",
        "t[63u - i] = 1u;",
        "t[g.x % 64u] = 1u;",
        "t[g.x & 63u] = 1u;",
        "t[g.x >> 26u] = 1u;",
        "t[(g.x & 7u) << 3u | l.x] = 1u;",
        "t[select(0u, 63u, g.x == 1u)] = 1u;",
        "if g.x < 64u { t[g.x] = 1u; }",
        "if g.x >= 64u { return; } t[g.x] = 1u;",
        "if i > 0u { t[i - 1u] = 1u; }",
        "for (var k = 0u; k < 64u; k++) { t[k] = 1u; }",
        "for (var k = 0; k < 64; k++) { t[k] = 1u; }",
        "for (var k = 0u; k <= 63u; k += 3u) { t[k] = 1u; }",
        "for (var k = 1u; k < 64u; k++) { if b[k] == 3u { continue; } t[k - 1u] = t[k]; }",
        "for (var k = i; k < 64u; k += 64u) { t[k] = 1u; }",
        "for (var r = 0u; r < 8u; r++) { for (var c = 0u; c < 8u; c++) { t[r * 8u + c] = 1u; } }",
        "var k = 0u; while k < 64u { t[k] = 1u; k += 1u; }",
        "var s = 32u; while s > 0u { if i < s { t[i] += t[i + s]; } s = s / 2u; }",
        "for (var s = 32u; s > 0u; s >>= 1u) { if i < s { t[i] += t[i + s]; } workgroupBarrier(); }",
        "var k = i; if b[0] == 1u { k = 3u; } t[k] = 1u;",
        "let k = g.x; if k < 64u { t[k] = b[k]; t[k] += b[k + 1u]; }",
    ] {
        assert!(!is_clamped(body), "{body}");
    }
}

#[test]
fn what_the_kernel_clamps_itself_is_clamped_once() {
    let source = |index| {
        format!(
            "@group(0) @binding(0) var<storage, read_write> b: array<u32>; var<workgroup> t: array<u32, 64>;
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) g: vec3<u32>) {{ t[{index}] = 1u; }}"
        )
    };
    assert_eq!(clamps(&source("min(g.x, 60u)")), HashSet::from([60]));
    assert_eq!(clamps(&source("clamp(g.x, 3u, 60u)")), HashSet::from([60]));
    assert_eq!(clamps(&source("max(min(g.x, 60u), 3u)")), HashSet::from([60]));
}

#[test]
fn what_may_be_out_of_range_stays_clamped() {
    for body in [
        "t[g.x] = 1u;",
        "t[i + 1u] = 1u;",
        "t[i - 1u] = 1u;",
        "t[l.y * 8u + l.x + 1u] = 1u;",
        "t[g.x % 65u] = 1u;",
        "t[g.x % b[0]] = 1u;",
        "t[g.x & 64u] = 1u;",
        "t[g.x >> 25u] = 1u;",
        "t[max(g.x, 3u)] = 1u;",
        "if g.x <= 64u { t[g.x] = 1u; }",
        "if g.x < 64u { b[0] = 1u; } t[g.x] = 1u;",
        "if g.x < 64u { t[g.y] = 1u; }",
        "if g.x >= 64u { b[0] = 1u; } t[g.x] = 1u;",
        "for (var k = 0u; k <= 64u; k++) { t[k] = 1u; }",
        "for (var k = 0u; k < b[0]; k++) { t[k] = 1u; }",
        "for (var k = 0u; k != 64u; k++) { t[k + 1u] = 1u; }",
        "for (var k = -1; k < 64; k++) { t[k] = 1u; }",
        "for (var k = 63; k >= -1; k--) { t[k] = 1u; }",
        "for (var k = 0u; k < 64u; k++) { k += 1u; t[k] = 1u; }",
        "var k = 0u; while k < 64u { k += 1u; t[k] = 1u; }",
        "var k = 0u; while k < 64u { if b[k] == 0u { k = b[1]; } t[k] = 1u; k += 1u; }",
        "var k = 0u; loop { t[k] = 1u; k += 1u; if b[k] == 0u { break; } }",
        "var k = 0u; loop { if k < 64u { b[0] = 1u; } t[k] = 1u; k += 1u; if b[k] == 0u { break; } }",
        "var k = i; if b[0] == 1u { k = b[1]; } t[k] = 1u;",
        "var k = i; let p = &k; *p = b[0]; t[k] = 1u;",
        "let s = i32(g.x); if s < 64 { t[s] = 1u; }",
        "var k = 4294967290u; for (; k < 4294967295u; k += 7u) { } t[k] = 1u;",
    ] {
        assert!(is_clamped(body), "{body}");
    }
}

#[test]
fn the_matrix_product_by_tiles_has_no_clamps() {
    let source = "@group(0) @binding(0) var<storage, read> a: array<f32>; @group(0) @binding(1) var<storage, read> b: array<f32>;
        @group(0) @binding(2) var<storage, read_write> c: array<f32>;
        var<workgroup> left: array<array<f32, 16>, 16>; var<workgroup> right: array<f32, 256>;
        @compute @workgroup_size(16, 16)
        fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
            var sum = array<f32, 4>();
            for (var tile = 0u; tile < 512u; tile += 16u) {
                left[local.y][local.x] = a[id.y * 512u + tile + local.x];
                right[local.y * 16u + local.x] = b[(tile + local.y) * 512u + id.x];
                workgroupBarrier();
                for (var k = 0u; k < 16u; k++) {
                    for (var r = 0u; r < 4u; r++) { sum[r] += left[local.y][k] * right[k * 16u + local.x]; }
                }
                workgroupBarrier();
            }
            c[id.y * 512u + id.x] = sum[0] + sum[local.x & 3u];
        }";
    assert_eq!(clamps(source), HashSet::new());
}

#[test]
fn what_is_relaxed_is_valid() {
    let source = "@group(0) @binding(0) var<storage, read_write> b: array<u32>; var<workgroup> t: array<u32, 64>;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
            t[i] = b[i]; for (var k = 0; k < 64; k++) { t[k] += t[63 - k]; } b[i] = t[i % 7u]; }";
    for (environment, target) in targets() {
        validate(&compile_for(source, None, &target).unwrap().spirv, environment);
    }
}

/// Random programs: an access whose clamp was removed is never out of range when the program runs.
#[test]
fn random_programs_stay_in_range() {
    let (mut dropped, mut kept) = (0, 0);
    let seeds = std::env::var("AVX_GPU_TEST_PROGRAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(400);
    for seed in 0..seeds {
        let program = program::Program::random(seed);
        let source = program.source();
        let left = clamps(&source);
        let highest = program.run();
        for (site, &length) in program.lengths().iter().enumerate() {
            if left.contains(&(length - 1)) {
                kept += 1;
                continue;
            }
            dropped += 1;
            if let Some(highest) = highest[site] {
                assert!(highest < length, "seed {seed}: a{site}, {length} long, was reached at {highest}\n{source}");
            }
        }
    }
    // Enough clamps were removed for the test to be meaningful.
    assert!(dropped > 100 && kept > 100, "{dropped} {kept}");
}
