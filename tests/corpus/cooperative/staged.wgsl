enable f16;
enable wgpu_cooperative_matrix;
// Four subgroups stage blocks through workgroup memory, double them on the way, and multiply: what one wrote the others read.
const T = 16u;
var<workgroup> left: array<f16, T * T>;
var<workgroup> right: array<f16, T * T>;
@group(0) @binding(0) var<storage, read> a: array<f16>;
@group(0) @binding(1) var<storage, read> b: array<f16>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
var<immediate> k: u32;
@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) i: u32) {
    // Each subgroup adds the products to a block of its own, so all of them read all of what was staged.
    let place = i / 32 * T * T;
    var sum = coopLoad<coop_mat16x16<f32, C>>(&c[place], T);
    for (var step = 0u; step < k; step++) {
        for (var at = i; at < T * T; at += 128) {
            left[at] = a[step * T * T + at] * 2;
            right[at] = b[step * T * T + at];
        }
        workgroupBarrier();
        let p = coopLoad<coop_mat16x16<f16, A>>(&left[0], T);
        let q = coopLoad<coop_mat16x16<f16, B>>(&right[0], T);
        sum = coopMultiplyAdd(p, q, sum);
        workgroupBarrier();
    }
    let done = sum;
    coopStore(done, &c[place], T);
}
