@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<array<f32, 6>>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = array<f32, 6>(sinh(v), cosh(v), tanh(v), asinh(v), acosh(1.0 + abs(v)), atanh(v * 0.9));
}
