enable subgroups;
// Each lane tells its place and what its subgroup computed, to be judged by the subgroups that there were.
struct Lane { subgroup: u32, lane: u32, value: u32, sum: u32, product: u32, low: u32, high: u32, unused: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> lanes: array<Lane>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(subgroup_id) subgroup: u32,
        @builtin(subgroup_invocation_id) lane: u32) {
    let v = x[id.x];
    lanes[id.x] = Lane(group.x * 64 + subgroup, lane, v, subgroupAdd(v), subgroupMul(v | 1), subgroupMin(v), subgroupMax(v), 0);
}
