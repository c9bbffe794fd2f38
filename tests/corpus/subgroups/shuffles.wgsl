enable subgroups;
struct Lane { subgroup: u32, lane: u32, value: u32, reversed: u32, neighbour: u32, up: u32, down: u32, size: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> lanes: array<Lane>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(subgroup_id) subgroup: u32,
        @builtin(subgroup_invocation_id) lane: u32, @builtin(subgroup_size) size: u32) {
    let v = x[id.x];
    let up = subgroupShuffleUp(v, 1u);
    let down = subgroupShuffleDown(v, 2u);
    lanes[id.x] = Lane(group.x * 64 + subgroup, lane, v, subgroupShuffle(v, size - 1 - lane), subgroupShuffleXor(v, 1u),
        select(0u, up, lane >= 1), select(0u, down, lane + 2 < size), size);
}
