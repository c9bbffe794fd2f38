// A maximum of products as floats, with the exchange that every device has.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> best: atomic<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let own = x[id.x] * x[arrayLength(&x) - 1 - id.x];
    var old = atomicLoad(&best);
    while own > bitcast<f32>(old) {
        let outcome = atomicCompareExchangeWeak(&best, old, bitcast<u32>(own));
        if outcome.exchanged { break; }
        old = outcome.old_value;
    }
}
