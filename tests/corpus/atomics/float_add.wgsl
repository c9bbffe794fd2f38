@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> bucket: array<u32>;
@group(0) @binding(2) var<storage, read_write> sums: array<atomic<f32>, 8>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { atomicAdd(&sums[bucket[id.x]], x[id.x]); }
}
