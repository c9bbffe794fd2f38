// Which are dropped is a function of seed and place, so that the way back finds the same.
struct Options { seed: u32, keep: f32 }
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<uniform> options: Options;
fn hash(seed: u32, at: u32) -> u32 {
    var h = seed ^ (at * 0x9E3779B9u);
    h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
    h = (h ^ (h >> 13)) * 0xC2B2AE35u;
    return h ^ (h >> 16);
}
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let kept = f32(hash(options.seed, id.x) >> 8) / 16777216.0 < options.keep;
    x[id.x] = select(0.0, x[id.x] / options.keep, kept);
}
