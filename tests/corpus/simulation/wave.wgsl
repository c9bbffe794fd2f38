// Two steps of a string in shared memory, three lines in turn.
const N = 64u;
var<workgroup> u: array<array<f32, N>, 3>;
@group(0) @binding(0) var<storage, read_write> state: array<vec2f, N>;
@compute @workgroup_size(N) fn main(@builtin(local_invocation_index) i: u32) {
    u[0][i] = state[i].x;
    u[1][i] = state[i].y;
    for (var step = 0u; step < 8; step++) {
        workgroupBarrier();
        let before = step % 3;
        let now = (step + 1) % 3;
        let after = (step + 2) % 3;
        if i == 0 || i == N - 1 { u[after][i] = 0; }
        else { u[after][i] = 2 * u[now][i] - u[before][i] + 0.25 * (u[now][i - 1] - 2 * u[now][i] + u[now][i + 1]); }
    }
    state[i] = vec2f(u[2][i], u[0][i]);
}
