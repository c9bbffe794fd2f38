@group(0) @binding(0) var<storage, read> x: array<i64>;
@group(0) @binding(1) var<storage, read_write> cells: array<atomic<i64>, 4>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    atomicAdd(&cells[0], x[id.x]);
    atomicMin(&cells[1], x[id.x]);
    atomicMax(&cells[2], x[id.x]);
    atomicSub(&cells[3], x[id.x]);
}
