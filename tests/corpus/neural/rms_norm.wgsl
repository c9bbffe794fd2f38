enable f16;
// Halves in and out, the sum of squares in f32.
const COLUMNS = 64u;
var<workgroup> squares: array<f32, 32>;
@group(0) @binding(0) var<storage, read_write> x: array<array<vec2<f16>, COLUMNS / 2>>;
@group(0) @binding(1) var<storage, read> weight: array<vec2<f16>, COLUMNS / 2>;
@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let own = vec2f(x[group.x][i]);
    squares[i] = dot(own, own);
    workgroupBarrier();
    for (var half = 16u; half > 0; half /= 2) {
        if i < half { squares[i] += squares[i + half]; }
        workgroupBarrier();
    }
    let factor = inverseSqrt(squares[0] / f32(COLUMNS) + 1e-6);
    x[group.x][i] = vec2<f16>(own * factor) * weight[i];
}
