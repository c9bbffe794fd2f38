// Welford's method in each thread, Chan's to merge.
struct Moments { n: f32, mean: f32, m2: f32 }
fn merge(a: Moments, b: Moments) -> Moments {
    let n = a.n + b.n;
    if n == 0 { return a; }
    let d = b.mean - a.mean;
    return Moments(n, a.mean + d * b.n / n, a.m2 + b.m2 + d * d * a.n * b.n / n);
}
var<workgroup> moments: array<Moments, 32>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: vec2f;
@compute @workgroup_size(32) fn main(@builtin(local_invocation_index) local: u32) {
    var own: Moments;
    for (var i = local; i < arrayLength(&x); i += 32) {
        own.n += 1;
        let d = x[i] - own.mean;
        own.mean += d / own.n;
        own.m2 += d * (x[i] - own.mean);
    }
    moments[local] = own;
    workgroupBarrier();
    for (var half = 16u; half > 0; half /= 2) {
        if local < half { moments[local] = merge(moments[local], moments[local + half]); }
        workgroupBarrier();
    }
    if local == 0 { y = vec2f(moments[0].mean, moments[0].m2 / moments[0].n); }
}
