// Relaxes each edge once; the host repeats it.
struct Edge { source: u32, target_node: u32, weight: u32 }
@group(0) @binding(0) var<storage, read> edges: array<Edge>;
@group(0) @binding(1) var<storage, read> now: array<u32>;
@group(0) @binding(2) var<storage, read_write> distances: array<atomic<u32>>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&edges) { return; }
    let edge = edges[id.x];
    if now[edge.source] != 0xFFFFFFFFu { atomicMin(&distances[edge.target_node], now[edge.source] + edge.weight); }
}
