@group(0) @binding(0) var<storage, read> a: array<vec3f>;
@group(0) @binding(1) var<storage, read> b: array<vec3f>;
@group(0) @binding(2) var<storage, read_write> y: array<array<vec4f, 3>>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    let p = a[id.x];
    let q = b[id.x];
    y[id.x] = array(vec4f(cross(p, q), dot(p, q)), vec4f(normalize(p), length(p)), vec4f(distance(p, q), distance(p.x, q.x), length(q.y), dot(p.xy, q.yx)));
}
