enable subgroups;
// Passes values along through workgroup memory, within subgroups alone.
var<workgroup> a: array<u32, 64>;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32,
        @builtin(subgroup_size) size: u32) {
    let base = subgroup * size;
    a[base + lane] = x[id.x];
    subgroupBarrier();
    let next = a[base + (lane + 1) % size];
    subgroupBarrier();
    a[base + lane] = next + 1;
    subgroupBarrier();
    // Back where it came from, one larger.
    y[id.x] = a[base + (lane + size - 1) % size];
}
