enable wgpu_cooperative_matrix;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@compute @workgroup_size(32) fn main(@builtin(workgroup_id) group: vec3u) {
    let at = group.x * 64;
    let left = coopLoad<coop_mat8x8<f32, A>>(&a[at], 8u);
    let right = coopLoad<coop_mat8x8<f32, B>>(&b[at], 8u);
    let before = coopLoad<coop_mat8x8<f32, C>>(&c[at], 8u);
    let product = coopMultiplyAdd(left, right, before);
    coopStore(product, &c[at], 8u);
}
