@group(0) @binding(0) var<storage, read> starts: array<u32>;
@group(0) @binding(1) var<storage, read> sources: array<u32>;
@group(0) @binding(2) var<storage, read> share: array<f32>;
@group(0) @binding(3) var<storage, read_write> rank: array<f32>;
const DAMPING = 0.85;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    let n = arrayLength(&rank);
    if id.x >= n { return; }
    var sum = 0.0;
    for (var edge = starts[id.x]; edge < starts[id.x + 1]; edge++) { sum += share[sources[edge]]; }
    rank[id.x] = (1 - DAMPING) / f32(n) + DAMPING * sum;
}
