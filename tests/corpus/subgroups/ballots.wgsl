enable subgroups;
struct Lane { subgroup: u32, lane: u32, value: u32, voters: u32, everyone: u32, first: u32, third: u32, rank: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> lanes: array<Lane>;
fn count(ballot: vec4u) -> u32 {
    let ones = countOneBits(ballot);
    return ones.x + ones.y + ones.z + ones.w;
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(subgroup_id) subgroup: u32,
        @builtin(subgroup_invocation_id) lane: u32) {
    let v = x[id.x];
    let ballot = subgroupBallot((v & 1) == 1);
    // How many with a lower lane voted: a compaction without shared memory.
    var below = vec4u();
    below[lane / 32] = (1u << (lane % 32)) - 1;
    for (var i = 0u; i < lane / 32; i++) { below[i] = 0xFFFFFFFF; }
    lanes[id.x] = Lane(group.x * 64 + subgroup, lane, v, count(ballot), count(subgroupBallot(true)), subgroupBroadcastFirst(v),
        subgroupBroadcast(v, 2u), count(ballot & below));
}
