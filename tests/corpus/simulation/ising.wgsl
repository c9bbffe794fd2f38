// Metropolis on one colour of a checkerboard, temperature by a table of two odds, random bits by hash.
struct Params { width: u32, height: u32, colour: u32, seed: u32, odds4: u32, odds8: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> spins: array<i32>;
fn hash(v: u32) -> u32 {
    var h = v;
    h = (h ^ h >> 16) * 0x7feb352du;
    h = (h ^ h >> 15) * 0x846ca68bu;
    return h ^ h >> 16;
}
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= p.width || id.y >= p.height || (id.x + id.y) % 2 != p.colour { return; }
    let at = id.y * p.width + id.x;
    let sum = spins[id.y * p.width + (id.x + 1) % p.width] + spins[id.y * p.width + (id.x + p.width - 1) % p.width]
        + spins[(id.y + 1) % p.height * p.width + id.x] + spins[(id.y + p.height - 1) % p.height * p.width + id.x];
    let cost = 2 * spins[at] * sum;
    let draw = hash(p.seed ^ at);
    if cost <= 0 || draw < select(p.odds4, p.odds8, cost == 8) { spins[at] = -spins[at]; }
}
