enable f16;
enable wgpu_cooperative_matrix;
// One subgroup makes a 16 by 16 block of C = A B + C, columns first as BLAS has them; halves in, f32 sums.
struct Shape { m: u32, n: u32, k: u32 }
@group(0) @binding(0) var<storage, read> a: array<f16>;
@group(0) @binding(1) var<storage, read> b: array<f16>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;
@compute @workgroup_size(32) fn main(@builtin(workgroup_id) group: vec3u) {
    let row = group.x * 16;
    let column = group.y * 16;
    let stride = shape.m;
    let place = column * stride + row;
    var sum = coopLoad<coop_mat16x16<f32, C>>(&c[place], stride);
    for (var k = 0u; k < shape.k; k += 16) {
        let left = coopLoad<coop_mat16x16<f16, A>>(&a[k * stride + row], stride);
        let right = coopLoad<coop_mat16x16<f16, B>>(&b[column * shape.k + k], shape.k);
        sum = coopMultiplyAdd(left, right, sum);
    }
    let done = sum;
    coopStore(done, &c[place], stride);
}
