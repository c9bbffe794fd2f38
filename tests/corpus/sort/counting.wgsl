@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>, 64>;
@group(0) @binding(2) var<storage, read_write> sorted: array<u32>;
@compute @workgroup_size(64) fn count(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { atomicAdd(&counts[x[id.x]], 1u); }
}
@compute @workgroup_size(1) fn scan() {
    var sum = 0u;
    for (var i = 0; i < 64; i++) {
        let own = atomicLoad(&counts[i]);
        atomicStore(&counts[i], sum);
        sum += own;
    }
}
@compute @workgroup_size(64) fn place(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { sorted[atomicAdd(&counts[x[id.x]], 1u)] = x[id.x]; }
}
