const BINS = 32;
var<workgroup> bins: array<atomic<u32>, BINS>;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> histogram: array<atomic<u32>, BINS>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    if id.x < arrayLength(&x) { atomicAdd(&bins[x[id.x] % BINS], 1); }
    workgroupBarrier();
    if local < BINS {
        let own = atomicLoad(&bins[local]);
        if own > 0 { atomicAdd(&histogram[local], own); }
    }
}
