// Walkers on a lattice, each with its own generator; where they end is exact arithmetic.
@group(0) @binding(0) var<storage, read_write> walkers: array<vec3i>;
var<private> state: u32;
fn random() -> u32 {
    state = state * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&walkers) { return; }
    state = bitcast<u32>(walkers[id.x].z);
    var p = walkers[id.x].xy;
    for (var step = 0; step < 100; step++) {
        switch random() % 4 {
            case 0: { p.x++; }
            case 1: { p.x--; }
            case 2: { p.y++; }
            default: { p.y--; }
        }
    }
    walkers[id.x] = vec3i(p, bitcast<i32>(state));
}
