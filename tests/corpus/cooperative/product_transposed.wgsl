enable f16;
enable wgpu_cooperative_matrix;
// Rows first by the transposing loads and stores, halves throughout.
@group(0) @binding(0) var<storage, read> a: array<f16>;
@group(0) @binding(1) var<storage, read> b: array<f16>;
@group(0) @binding(2) var<storage, read_write> c: array<f16>;
@compute @workgroup_size(32) fn main() {
    let left = coopLoadT<coop_mat16x16<f16, A>>(&a[0], 16u);
    let right = coopLoadT<coop_mat16x16<f16, B>>(&b[0], 16u);
    let before = coopLoadT<coop_mat16x16<f16, C>>(&c[0], 16u);
    let product = coopMultiplyAdd(left, right, before);
    coopStoreT(product, &c[0], 16u);
}
