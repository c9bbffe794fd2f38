@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<array<f32, 8>>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = array<f32, 8>(exp(v), exp2(v), log(v), log2(v), pow(v, 1.5), pow(2.5, v), sqrt(v), inverseSqrt(v));
}
