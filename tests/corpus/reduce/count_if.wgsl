var<workgroup> count: atomic<u32>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: atomic<u32>;
var<immediate> above: f32;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    if id.x < arrayLength(&x) && x[id.x] > above { atomicAdd(&count, 1u); }
    workgroupBarrier();
    if local == 0 { atomicAdd(&total, atomicLoad(&count)); }
}
