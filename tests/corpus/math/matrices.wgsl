@group(0) @binding(0) var<storage, read> a: array<mat3x3f>;
@group(0) @binding(1) var<storage, read_write> t: array<mat3x3f>;
@group(0) @binding(2) var<storage, read_write> d: array<vec4f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    let m = a[id.x];
    t[id.x] = transpose(m) * m + 2.0 * m;
    d[id.x] = vec4f(determinant(m), vec3f(1, 2, 3) * m);
}
