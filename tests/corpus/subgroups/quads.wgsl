enable subgroups;
struct Lane { subgroup: u32, lane: u32, value: u32, x: u32, y: u32, diagonal: u32, third: u32, unused: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> lanes: array<Lane>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(subgroup_id) subgroup: u32,
        @builtin(subgroup_invocation_id) lane: u32) {
    let v = x[id.x];
    lanes[id.x] = Lane(group.x * 64 + subgroup, lane, v, quadSwapX(v), quadSwapY(v), quadSwapDiagonal(v), quadBroadcast(v, 2u), 0);
}
