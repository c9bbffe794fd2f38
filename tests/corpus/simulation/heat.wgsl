struct Params { width: u32, height: u32, rate: f32 }
@group(0) @binding(0) var<storage, read> t: array<f32>;
@group(0) @binding(1) var<storage, read_write> next: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= p.width || id.y >= p.height { return; }
    let at = id.y * p.width + id.x;
    let west = t[select(at, at - 1, id.x > 0)];
    let east = t[select(at, at + 1, id.x + 1 < p.width)];
    let north = t[select(at, at - p.width, id.y > 0)];
    let south = t[select(at, at + p.width, id.y + 1 < p.height)];
    next[at] = t[at] + p.rate * (west + east + north + south - 4 * t[at]);
}
