@group(0) @binding(0) var<storage, read> a: array<mat4x3f>;
@group(0) @binding(1) var<storage, read> b: array<mat4x2f>;
@group(0) @binding(2) var<storage, read_write> r: array<vec4f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&r) { return; }
    let v = vec4f(1, -2, 0.5, 3);
    let p = a[id.x] * v;
    let q = b[id.x] * (v * transpose(b[id.x]) * b[id.x]);
    r[id.x] = vec4f(p.xy, p.z + q.x, q.y);
}
