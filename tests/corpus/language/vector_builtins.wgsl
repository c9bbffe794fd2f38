// Constructors, zero values, conversions between vectors of all kinds.
@group(0) @binding(0) var<storage, read_write> y: array<vec4i>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
    let a = vec4(1, 2, 3, 4) * i32(id.x);
    let b = vec4<f32>(a) / 2;
    let c = vec4i(b) + vec4i(vec4<bool>(a));
    let d = vec4i(vec2i(7), vec2i(vec2u(b.xy)));
    var r = array<vec4i, 8>(a, c, d, vec4i(), select(c, d, a > vec4(5)), vec4(vec3i(), 5), -a, a % vec4(3));
    y[id.x] = r[id.x];
}
