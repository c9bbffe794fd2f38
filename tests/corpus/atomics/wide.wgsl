@group(0) @binding(0) var<storage, read> x: array<u64>;
@group(0) @binding(1) var<storage, read_write> sum: atomic<u64>;
@group(0) @binding(2) var<storage, read_write> high: atomic<u64>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    atomicAdd(&sum, x[id.x]);
    atomicMax(&high, x[id.x]);
}
