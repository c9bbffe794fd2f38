@group(0) @binding(0) var<storage, read> v: array<vec4<f64>>;
@group(0) @binding(1) var<storage, read_write> norms: array<f64>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&norms) { return; }
    let a = abs(v[id.x]);
    norms[id.x] = sqrt(a.x * a.x + a.y * a.y + a.z * a.z + a.w * a.w) + max(max(a.x, a.y), max(a.z, a.w)) + floor(a.x * 10.0lf);
}
