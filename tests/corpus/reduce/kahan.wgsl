// A sum with compensation: the error of a naive one is a thousand times larger.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
const ROW = 64u;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&y) { return; }
    var sum = 0.0;
    var lost = 0.0;
    for (var i = 0u; i < ROW; i++) {
        let value = x[id.x * ROW + i] - lost;
        let next = sum + value;
        lost = (next - sum) - value;
        sum = next;
    }
    y[id.x] = sum;
}
