// One partial sum a workgroup, by a tree in shared memory.
var<workgroup> partial: array<f32, 64>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u) {
    partial[local] = select(0.0, x[id.x], id.x < arrayLength(&x));
    workgroupBarrier();
    for (var half = 32u; half > 0; half /= 2) {
        if local < half { partial[local] += partial[local + half]; }
        workgroupBarrier();
    }
    if local == 0 { sums[group.x] = partial[0]; }
}
