const CLASSES = 10u;
@group(0) @binding(0) var<storage, read> logits: array<array<f32, CLASSES>>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<array<f32, CLASSES>>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&labels) { return; }
    var p = logits[id.x];
    var largest = p[0];
    for (var i = 1u; i < CLASSES; i++) { largest = max(largest, p[i]); }
    var sum = 0.0;
    for (var i = 0u; i < CLASSES; i++) {
        p[i] = exp(p[i] - largest);
        sum += p[i];
    }
    let label = labels[id.x];
    losses[id.x] = log(sum) + largest - logits[id.x][label];
    for (var i = 0u; i < CLASSES; i++) { gradient[id.x][i] = p[i] / sum - f32(i == label); }
}
