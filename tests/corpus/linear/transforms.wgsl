// Points through a chain of transforms that come as rows, as in scene graphs.
struct Transform { rows: mat3x4f }
@group(0) @binding(0) var<uniform> chain: array<Transform, 3>;
@group(0) @binding(1) var<storage, read_write> points: array<vec4f>;
fn apply(t: Transform, p: vec3f) -> vec3f { return vec4f(p, 1.0) * t.rows; }
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&points) { return; }
    var p = points[id.x].xyz;
    for (var i = 0u; i < 3u; i++) { p = apply(chain[i], p); }
    points[id.x] = vec4f(p, points[id.x].w);
}
