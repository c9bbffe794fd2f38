// A ring of private memory and a private struct that starts with values.
struct Ring { data: array<u32, 8>, head: u32 }
var<private> ring = Ring(array<u32, 8>(1, 2, 3, 4, 5, 6, 7, 8), 3);
var<private> zero: array<vec3u, 2>;
fn push(value: u32) -> u32 {
    let old = ring.data[ring.head];
    ring.data[ring.head] = value;
    ring.head = (ring.head + 1) % 8;
    return old;
}
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&y) { return; }
    var sum = zero[1].z;
    for (var i = 0u; i < 12; i++) { sum = sum * 3 + push(i * id.x); }
    y[id.x] = sum;
}
