// The finisher of SplitMix64.
@group(0) @binding(0) var<storage, read_write> x: array<u64>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    var z = x[id.x] + 0x9E3779B97F4A7C15lu;
    z = (z ^ (z >> 30u)) * 0xBF58476D1CE4E5B9lu;
    z = (z ^ (z >> 27u)) * 0x94D049BB133111EBlu;
    x[id.x] = z ^ (z >> 31u);
}
