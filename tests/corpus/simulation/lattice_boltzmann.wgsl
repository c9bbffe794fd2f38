// Nine directions, collide and stream in one pass, walls that bounce back.
struct Params { width: u32, height: u32, omega: f32 }
const C = array<vec2i, 9>(
    vec2i(0, 0), vec2i(1, 0), vec2i(0, 1), vec2i(-1, 0), vec2i(0, -1), vec2i(1, 1), vec2i(-1, 1), vec2i(-1, -1), vec2i(1, -1));
const W = array<f32, 9>(
    4.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 36, 1.0 / 36, 1.0 / 36, 1.0 / 36);
const OPPOSITE = array<u32, 9>(0, 3, 4, 1, 2, 7, 8, 5, 6);
@group(0) @binding(0) var<storage, read> f: array<f32>;
@group(0) @binding(1) var<storage, read> wall: array<u32>;
@group(0) @binding(2) var<storage, read_write> next: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= params.width || id.y >= params.height { return; }
    let cells = params.width * params.height;
    let at = id.y * params.width + id.x;
    var c = C;
    var w = W;
    var opposite = OPPOSITE;
    var own: array<f32, 9>;
    var density = 0.0;
    var momentum = vec2f();
    // What streams in from the neighbours; from a wall comes back what went there.
    for (var i = 0u; i < 9; i++) {
        let source = vec2u((vec2i(id.xy) - c[i] + vec2i(i32(params.width), i32(params.height))) % vec2i(i32(params.width), i32(params.height)));
        let neighbour = source.y * params.width + source.x;
        if wall[neighbour] == 1 { own[i] = f[opposite[i] * cells + at]; } else { own[i] = f[i * cells + neighbour]; }
        density += own[i];
        momentum += own[i] * vec2f(c[i]);
    }
    let u = momentum / density;
    for (var i = 0u; i < 9; i++) {
        let along = dot(vec2f(c[i]), u);
        let equilibrium = w[i] * density * (1 + 3 * along + 4.5 * along * along - 1.5 * dot(u, u));
        next[i * cells + at] = select(mix(own[i], equilibrium, params.omega), own[i], wall[at] == 1);
    }
}
