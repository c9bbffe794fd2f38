// Ordered integers stand for floats, so that atomics can find the least and the largest.
struct Box { low: array<atomic<u32>, 3>, high: array<atomic<u32>, 3> }
@group(0) @binding(0) var<storage, read> points: array<vec3f>;
@group(0) @binding(1) var<storage, read_write> box: Box;
fn ordered(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    return select(bits | 0x80000000, ~bits, bits >= 0x80000000);
}
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&points) { return; }
    let p = points[id.x];
    for (var axis = 0u; axis < 3; axis++) {
        atomicMin(&box.low[axis], ordered(p[axis]));
        atomicMax(&box.high[axis], ordered(p[axis]));
    }
}
