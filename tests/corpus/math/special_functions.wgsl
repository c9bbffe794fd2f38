// The error function and the logarithm of the gamma function, by well-known approximations.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2f>;
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.3275911 * abs(x));
    let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return sign(x) * (1.0 - p * exp(-x * x));
}
fn lgamma(x: f32) -> f32 {
    var series = 1.000000000190015;
    var at = x;
    const c = array(76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 0.001208650973866179, -0.000005395239384953);
    for (var i = 0; i < 6; i++) {
        at += 1.0;
        series += c[i] / at;
    }
    return (x + 0.5) * log(x + 5.5) - (x + 5.5) + log(2.5066282746310005 * series / x);
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { y[id.x] = vec2f(erf(x[id.x] - 2.0), lgamma(x[id.x])); }
}
