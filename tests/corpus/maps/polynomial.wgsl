const COEFFICIENTS = array<f32, 6>(1.0, -0.5, 0.25, 2.0, -1.25, 0.125);
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    var sum = 0.0;
    var coefficients = COEFFICIENTS;
    for (var i = 5; i >= 0; i--) { sum = sum * x[id.x] + coefficients[i]; }
    y[id.x] = sum;
}
