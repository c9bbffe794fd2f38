// Semi-Lagrangian: look back along the velocity and interpolate.
struct Params { size: vec2i, dt: f32 }
@group(0) @binding(0) var<storage, read> velocity: array<vec2f>;
@group(0) @binding(1) var<storage, read> dye: array<f32>;
@group(0) @binding(2) var<storage, read_write> next: array<f32>;
var<immediate> params: Params;
fn at(p: vec2i) -> f32 {
    let q = clamp(p, vec2i(0), params.size - 1);
    return dye[q.y * params.size.x + q.x];
}
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    let p = vec2i(id.xy);
    if any(p >= params.size) { return; }
    let here = p.y * params.size.x + p.x;
    let back = vec2f(p) - velocity[here] * params.dt;
    let q = vec2i(floor(back));
    let t = back - floor(back);
    next[here] = mix(mix(at(q), at(q + vec2i(1, 0)), t.x), mix(at(q + vec2i(0, 1)), at(q + vec2i(1)), t.x), t.y);
}
