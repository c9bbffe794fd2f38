enable subgroups;
// A sum of a workgroup in two steps: by subgroups, then of their sums, whatever the subgroup's size.
var<workgroup> sums: array<f32, 64>;
@group(0) @binding(0) var<storage, read> x: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) subgroups: u32) {
    let own = x[id.x];
    let sum = subgroupAdd(own);
    let largest = subgroupMax(own.x);
    if subgroupElected() { sums[subgroup] = sum.x + sum.y; }
    workgroupBarrier();
    if local == 0 {
        var total = 0.0;
        for (var i = 0u; i < subgroups; i++) { total += sums[i]; }
        y[group.x] = vec4f(total, f32(largest >= own.x), 0, 0);
    }
}
fn subgroupElected() -> bool {
    let ballot = subgroupBallot(true);
    return subgroupInclusiveAdd(1u) == 1u && ballot.x != 0;
}
