@group(0) @binding(0) var<storage, read> x: array<f64>;
@group(0) @binding(1) var<storage, read_write> y: array<f64>;
// exp by its series, which GPUs do not have for f64.
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    var term = 1.0lf;
    var sum = 1.0lf;
    for (var n = 1u; n < 24u; n++) {
        term *= x[id.x] / f64(n);
        sum += term;
    }
    y[id.x] = sum;
}
