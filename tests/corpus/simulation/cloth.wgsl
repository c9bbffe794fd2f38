// Verlet steps of a chain of points with a fixed end, several relaxations of the springs by colours.
const N = 32u;
var<workgroup> p: array<vec2f, N>;
@group(0) @binding(0) var<storage, read_write> points: array<vec4f, N>;
@compute @workgroup_size(N) fn main(@builtin(local_invocation_index) i: u32) {
    let before = points[i].zw;
    let now = points[i].xy;
    p[i] = select(now * 2 - before + vec2f(0, -0.01), now, i == 0);
    for (var round = 0u; round < 6; round++) {
        workgroupBarrier();
        let other = i + 1;
        if i % 2 == round % 2 && other < N {
            let d = p[other] - p[i];
            let length = max(length(d), 1e-6);
            let move_by = d * ((length - 0.1) / length);
            if i == 0 { p[other] -= move_by; }
            else {
                p[i] += move_by * 0.5;
                p[other] -= move_by * 0.5;
            }
        }
    }
    workgroupBarrier();
    points[i] = vec4f(p[i], now);
}
