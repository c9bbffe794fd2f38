// L x = b by columns: a thread a row, a barrier a column.
const N = 32u;
var<workgroup> x: array<f32, N>;
@group(0) @binding(0) var<storage, read> l: array<array<f32, N>, N>;
@group(0) @binding(1) var<storage, read_write> b: array<f32, N>;
@compute @workgroup_size(N) fn main(@builtin(local_invocation_index) row: u32) {
    var rest = b[row];
    for (var k = 0u; k < N; k++) {
        if row == k { x[k] = rest / l[k][k]; }
        workgroupBarrier();
        if row > k { rest -= l[row][k] * x[k]; }
    }
    b[row] = x[row];
}
