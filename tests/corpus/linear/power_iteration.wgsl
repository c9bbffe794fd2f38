// Multiplies and normalizes, again and again, in one workgroup.
const N = 16u;
var<workgroup> v: array<f32, N>;
var<workgroup> length: f32;
@group(0) @binding(0) var<storage, read> m: array<array<f32, N>, N>;
@group(0) @binding(1) var<storage, read_write> eigen: array<f32, N + 1>;
@compute @workgroup_size(N) fn main(@builtin(local_invocation_index) i: u32) {
    v[i] = 1;
    for (var round = 0; round < 60; round++) {
        workgroupBarrier();
        var sum = 0.0;
        for (var j = 0u; j < N; j++) { sum += m[i][j] * v[j]; }
        workgroupBarrier();
        v[i] = sum;
        workgroupBarrier();
        if i == 0 {
            var squares = 0.0;
            for (var j = 0u; j < N; j++) { squares += v[j] * v[j]; }
            length = sqrt(squares);
        }
        let own = workgroupUniformLoad(&length);
        v[i] /= own;
        if i == 0 { eigen[N] = own; }
    }
    eigen[i] = v[i];
}
