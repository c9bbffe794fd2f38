var<workgroup> largest: array<f32, 32>;
var<workgroup> sums: array<f32, 32>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: f32;
@compute @workgroup_size(32) fn main(@builtin(local_invocation_index) local: u32) {
    // Running maximum with a sum that is scaled when it grows: one pass.
    var m = -1e30;
    var s = 0.0;
    for (var i = local; i < arrayLength(&x); i += 32) {
        let next = max(m, x[i]);
        s = s * exp(m - next) + exp(x[i] - next);
        m = next;
    }
    largest[local] = m;
    sums[local] = s;
    for (var half = 16u; half > 0; half /= 2) {
        workgroupBarrier();
        if local < half {
            let next = max(largest[local], largest[local + half]);
            sums[local] = sums[local] * exp(largest[local] - next) + sums[local + half] * exp(largest[local + half] - next);
            largest[local] = next;
        }
    }
    if local == 0 { y = largest[0] + log(sums[0]); }
}
