@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> sum: f64;
// Sums in double precision what single precision would lose.
@compute @workgroup_size(1) fn main() {
    var total = 0.0lf;
    for (var i = 0u; i < arrayLength(&x); i++) { total += f64(x[i]); }
    sum = total;
}
