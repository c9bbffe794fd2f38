var<workgroup> a: array<f32, 64>;
@group(0) @binding(0) var<storage, read_write> x: array<f32, 64>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
    a[i] = x[i];
    for (var round = 0u; round < 64; round++) {
        workgroupBarrier();
        if i % 2 == round % 2 && i + 1 < 64 && a[i] > a[i + 1] {
            let kept = a[i];
            a[i] = a[i + 1];
            a[i + 1] = kept;
        }
    }
    workgroupBarrier();
    x[i] = a[i];
}
