@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> s: array<vec4i>;
@group(0) @binding(2) var<storage, read_write> u: array<vec4u>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    s[id.x] = unpack4xI8(x[id.x]);
    u[id.x] = unpack4xU8(x[id.x]);
}
