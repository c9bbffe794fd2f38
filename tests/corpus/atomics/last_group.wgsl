// The last workgroup to finish sums what the others left: one dispatch instead of two. It reads what was written by atomics only.
var<workgroup> partial: atomic<u32>;
var<workgroup> last: bool;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> partials: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> done: atomic<u32>;
@group(0) @binding(3) var<storage, read_write> total: u32;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u,
        @builtin(num_workgroups) groups: vec3u) {
    if id.x < arrayLength(&x) { atomicAdd(&partial, x[id.x]); }
    workgroupBarrier();
    if i == 0 {
        atomicStore(&partials[group.x], atomicLoad(&partial));
        storageBarrier();
        last = atomicAdd(&done, 1) == groups.x - 1;
    }
    if workgroupUniformLoad(&last) && i == 0 {
        var sum = 0u;
        for (var g = 0u; g < groups.x; g++) { sum += atomicLoad(&partials[g]); }
        total = sum;
    }
}
