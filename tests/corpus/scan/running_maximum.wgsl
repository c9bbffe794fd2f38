const NONE = -2147483647 - 1;
var<workgroup> a: array<array<i32, 64>, 2>;
@group(0) @binding(0) var<storage, read_write> x: array<i32, 64>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
    var side = 0u;
    a[side][i] = x[i];
    for (var step = 1u; step < 64u; step *= 2u) {
        workgroupBarrier();
        let before = select(NONE, a[side][max(step, i) - step], i >= step);
        a[1u - side][i] = max(a[side][i], before);
        side = 1u - side;
    }
    x[i] = a[side][i];
}
