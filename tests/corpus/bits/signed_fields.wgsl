@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2i>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    y[id.x] = vec2i(extractBits(x[id.x], 4u, 12u), insertBits(x[id.x], -1, 8u, id.x % 20u));
}
