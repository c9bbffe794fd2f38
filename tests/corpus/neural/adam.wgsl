struct Options { rate: f32, beta1: f32, beta2: f32, epsilon: f32, correction1: f32, correction2: f32 }
@group(0) @binding(0) var<storage, read_write> weights: array<f32>;
@group(0) @binding(1) var<storage, read_write> m: array<f32>;
@group(0) @binding(2) var<storage, read_write> v: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
var<immediate> options: Options;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    let i = id.x;
    if i >= arrayLength(&weights) { return; }
    let g = gradient[i];
    m[i] = mix(g, m[i], options.beta1);
    v[i] = mix(g * g, v[i], options.beta2);
    weights[i] -= options.rate * (m[i] * options.correction1) / (sqrt(v[i] * options.correction2) + options.epsilon);
}
