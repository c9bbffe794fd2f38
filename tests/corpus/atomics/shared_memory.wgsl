// The same operations on workgroup memory, signed and unsigned.
var<workgroup> u: array<atomic<u32>, 4>;
var<workgroup> s: atomic<i32>;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<array<u32, 5>>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u) {
    let v = x[id.x];
    atomicAdd(&u[0], v);
    atomicMax(&u[1], v);
    atomicXor(&u[2], v);
    if i == 9 { atomicStore(&u[3], atomicExchange(&u[3], v) + v); }
    atomicSub(&s, i32(v % 100));
    workgroupBarrier();
    if i < 4 { y[group.x][i] = atomicLoad(&u[i]); }
    if i == 4 { y[group.x][4] = bitcast<u32>(atomicLoad(&s)); }
}
