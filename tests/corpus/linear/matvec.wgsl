// A workgroup a row.
var<workgroup> partial: array<f32, 32>;
@group(0) @binding(0) var<storage, read> m: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read_write> r: array<f32>;
@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let n = arrayLength(&v);
    var sum = 0.0;
    for (var i = local; i < n; i += 32) { sum += m[group.x * n + i] * v[i]; }
    partial[local] = sum;
    workgroupBarrier();
    for (var half = 16u; half > 0; half >>= 1) {
        if local < half { partial[local] += partial[local + half]; }
        workgroupBarrier();
    }
    if local == 0 { r[group.x] = partial[0]; }
}
