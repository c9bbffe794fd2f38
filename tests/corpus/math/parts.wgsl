struct Parts { fraction: f32, whole: f32, mantissa: f32, exponent: i32, scaled: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<Parts>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let m = modf(x[id.x]);
    let f = frexp(x[id.x]);
    y[id.x] = Parts(m.fract, m.whole, f.fract, f.exp, ldexp(f.fract, f.exp + 3));
}
