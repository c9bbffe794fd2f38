// Blelloch: up the tree and down again, two elements a thread.
const N = 256u;
var<workgroup> a: array<i32, N>;
@group(0) @binding(0) var<storage, read_write> x: array<i32, N>;
@compute @workgroup_size(N / 2) fn main(@builtin(local_invocation_index) i: u32) {
    a[2 * i] = x[2 * i];
    a[2 * i + 1] = x[2 * i + 1];
    var offset = 1u;
    for (var pairs = N / 2; pairs > 0; pairs >>= 1) {
        workgroupBarrier();
        if i < pairs { a[offset * (2 * i + 2) - 1] += a[offset * (2 * i + 1) - 1]; }
        offset *= 2;
    }
    if i == 0 { a[N - 1] = 0; }
    for (var pairs = 1u; pairs < N; pairs *= 2) {
        offset >>= 1;
        workgroupBarrier();
        if i < pairs {
            let left = offset * (2 * i + 1) - 1;
            let right = offset * (2 * i + 2) - 1;
            let kept = a[left];
            a[left] = a[right];
            a[right] += kept;
        }
    }
    workgroupBarrier();
    x[2 * i] = a[2 * i];
    x[2 * i + 1] = a[2 * i + 1];
}
