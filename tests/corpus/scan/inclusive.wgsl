// Hillis and Steele: simple, one workgroup.
var<workgroup> a: array<u32, 128>;
@group(0) @binding(0) var<storage, read_write> x: array<u32, 128>;
@compute @workgroup_size(128) fn main(@builtin(local_invocation_index) i: u32) {
    a[i] = x[i];
    workgroupBarrier();
    for (var step = 1u; step < 128u; step <<= 1u) {
        var add = 0u;
        if i >= step { add = a[i - step]; }
        workgroupBarrier();
        a[i] += add;
        workgroupBarrier();
    }
    x[i] = a[i];
}
