struct Params { width: u32, height: u32, feed: f32, kill: f32 }
@group(0) @binding(0) var<storage, read> uv: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> next: array<vec2f>;
@group(0) @binding(2) var<uniform> p: Params;
fn at(x: u32, y: u32) -> vec2f { return uv[(y + p.height) % p.height * p.width + (x + p.width) % p.width]; }
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= p.width || id.y >= p.height { return; }
    let own = at(id.x, id.y);
    let x = id.x + p.width;
    let y = id.y + p.height;
    let sides = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
    let corners = at(x - 1, y - 1) + at(x + 1, y - 1) + at(x - 1, y + 1) + at(x + 1, y + 1);
    let spread = vec2f(0.2, 0.1) * (0.8 * sides + 0.2 * corners - 4.0 * own);
    let reaction = own.x * own.y * own.y;
    next[id.y * p.width + id.x] = own + spread + vec2f(p.feed * (1 - own.x) - reaction, reaction - (p.kill + p.feed) * own.y);
}
