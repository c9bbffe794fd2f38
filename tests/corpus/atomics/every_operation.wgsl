struct Cells { add: atomic<u32>, sub: atomic<u32>, low: atomic<u32>, high: atomic<u32>, all: atomic<u32>, some: atomic<u32>, odd: atomic<u32> }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> cells: Cells;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    atomicAdd(&cells.add, v);
    atomicSub(&cells.sub, v);
    atomicMin(&cells.low, v);
    atomicMax(&cells.high, v);
    atomicAnd(&cells.all, v | 0xFF);
    atomicOr(&cells.some, v & 0xFF00FF00);
    atomicXor(&cells.odd, v);
}
