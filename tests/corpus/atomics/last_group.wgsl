// The last workgroup to finish gives the total: one dispatch instead of two. One word holds the sum and, above it, how many have added
// to it, so that whoever completes the count knows the sum without any other order.
const ONE = 1u << 24;
var<workgroup> partial: atomic<u32>;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> sum_and_count: atomic<u32>;
@group(0) @binding(2) var<storage, read_write> total: u32;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) i: u32, @builtin(num_workgroups) groups: vec3u) {
    if id.x < arrayLength(&x) { atomicAdd(&partial, x[id.x]); }
    workgroupBarrier();
    if i == 0 {
        let own = atomicLoad(&partial) + ONE;
        let now = atomicAdd(&sum_and_count, own) + own;
        if now / ONE == groups.x { total = now % ONE; }
    }
}
