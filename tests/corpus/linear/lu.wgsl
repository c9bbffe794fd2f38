// Decomposes a small matrix in place, without pivoting: one workgroup, a step a column.
const N = 16u;
@group(0) @binding(0) var<storage, read_write> m: array<array<f32, N>, N>;
@compute @workgroup_size(N) fn main(@builtin(local_invocation_index) row: u32) {
    for (var k = 0u; k < N; k++) {
        if row > k {
            let factor = m[row][k] / m[k][k];
            m[row][k] = factor;
            for (var j = k + 1; j < N; j++) { m[row][j] -= factor * m[k][j]; }
        }
        storageBarrier();
    }
}
