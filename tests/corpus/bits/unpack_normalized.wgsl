@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<array<vec4f, 3>>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = array(unpack4x8unorm(v), unpack4x8snorm(v), vec4(unpack2x16unorm(v), unpack2x16snorm(v)));
}
