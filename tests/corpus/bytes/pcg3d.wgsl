@group(0) @binding(0) var<storage, read_write> v: array<vec4u>;
fn pcg(seed: vec3u) -> vec3u {
    var v = seed * 1664525u + 1013904223u;
    v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
    v ^= v >> vec3u(16);
    v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
    return v;
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&v) { v[id.x] = vec4u(pcg(v[id.x].xyz), v[id.x].w); }
}
