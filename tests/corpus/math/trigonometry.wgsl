@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<array<f32, 7>>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = array<f32, 7>(sin(v), cos(v), tan(v), asin(v), acos(v), atan(v), atan2(v, 0.5 - v * v));
}
