//! Tests of the layer as a whole.

use super::error::Kind;
use super::testing::*;
use super::*;

const SAXPY: &str = "struct Params { a: f32, n: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             p: Params;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }
}
";

#[test]
fn saxpy() {
    for (environment, target) in targets() {
        let kernel = compile_for(SAXPY, None, &target).unwrap();
        eprintln!("{:#?}", kernel.interface);
        validate(&kernel.spirv, environment);
        for (aliased, split) in [(true, false), (false, true), (true, true)] {
            let code = variant(&kernel, Variant { aliased, split }).unwrap();
            validate(&code.spirv, environment);
            assert_eq!(code.base_binding, split.then_some((0, 3)));
        }
        let again = spirv(&bytes(&kernel.spirv), None, &target).unwrap();
        assert_eq!(again.interface, kernel.interface);
    }
    let error = compile("@compute @workgroup_size(1) fn main() { let x = 1 + y; }").unwrap_err();
    assert_eq!(error.kind, Kind::Compile);
    eprintln!("{error}");
}
