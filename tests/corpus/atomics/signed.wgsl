@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> cells: array<atomic<i32>, 4>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    _ = atomicAdd(&cells[0], x[id.x]);
    _ = atomicMin(&cells[1], x[id.x]);
    _ = atomicMax(&cells[2], x[id.x]);
    _ = atomicSub(&cells[3], x[id.x]);
}
