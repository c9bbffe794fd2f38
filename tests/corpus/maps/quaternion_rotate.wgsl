// Rotates points (w unused) by unit quaternions.
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> v: array<vec4f>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    let i = id.x;
    if i >= arrayLength(&v) { return; }
    let t = 2.0 * cross(q[i].xyz, v[i].xyz);
    v[i] = vec4f(v[i].xyz + q[i].w * t + cross(q[i].xyz, t), v[i].w);
}
