@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4i>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    let whole = i32(v);
    y[id.x] = vec4i(whole, i32(u32(abs(v))), i32(f32(whole) * 2), i32(bool(whole)) + i32(u32(-1.0 < v)));
}
