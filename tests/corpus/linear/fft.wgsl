// Radix 2 in shared memory: bit reversal, then butterflies.
const N = 64u;
const PI = 3.14159265358979;
var<workgroup> a: array<vec2f, N>;
@group(0) @binding(0) var<storage, read_write> x: array<vec2f>;
@compute @workgroup_size(N / 2)
fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u) {
    let base = group.x * N;
    a[reverseBits(i) >> 26] = x[base + i];
    a[reverseBits(i + N / 2) >> 26] = x[base + i + N / 2];
    for (var half = 1u; half < N; half *= 2) {
        workgroupBarrier();
        let k = i % half;
        let low = (i / half) * 2 * half + k;
        let angle = -PI * f32(k) / f32(half);
        let w = vec2f(cos(angle), sin(angle));
        let p = a[low];
        let q = a[low + half];
        let t = vec2f(w.x * q.x - w.y * q.y, w.x * q.y + w.y * q.x);
        a[low] = p + t;
        a[low + half] = p - t;
    }
    workgroupBarrier();
    x[base + i] = a[i];
    x[base + i + N / 2] = a[i + N / 2];
}
