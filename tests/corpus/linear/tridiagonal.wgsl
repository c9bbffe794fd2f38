// Many small systems with three diagonals, one a thread, by elimination forth and back.
const N = 12u;
struct System { lower: array<f32, N>, middle: array<f32, N>, upper: array<f32, N>, right: array<f32, N> }
@group(0) @binding(0) var<storage, read> systems: array<System>;
@group(0) @binding(1) var<storage, read_write> x: array<array<f32, N>>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let s = &systems[id.x];
    var c: array<f32, N>;
    var d: array<f32, N>;
    c[0] = (*s).upper[0] / (*s).middle[0];
    d[0] = (*s).right[0] / (*s).middle[0];
    for (var i = 1u; i < N; i++) {
        let m = 1.0 / ((*s).middle[i] - (*s).lower[i] * c[i - 1]);
        c[i] = (*s).upper[i] * m;
        d[i] = ((*s).right[i] - (*s).lower[i] * d[i - 1]) * m;
    }
    var last = d[N - 1];
    x[id.x][N - 1] = last;
    for (var i = N - 1; i > 0; i--) {
        last = d[i - 1] - c[i - 1] * last;
        x[id.x][i - 1] = last;
    }
}
