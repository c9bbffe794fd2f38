// A row a workgroup; any length.
const W = 32u;
var<workgroup> shared_value: array<f32, W>;
struct Shape { rows: u32, columns: u32 }
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<uniform> shape: Shape;
fn all_max(value: f32, i: u32) -> f32 {
    shared_value[i] = value;
    workgroupBarrier();
    for (var half = W / 2; half > 0; half /= 2) {
        if i < half { shared_value[i] = max(shared_value[i], shared_value[i + half]); }
        workgroupBarrier();
    }
    return workgroupUniformLoad(&shared_value[0]);
}
fn all_sum(value: f32, i: u32) -> f32 {
    shared_value[i] = value;
    workgroupBarrier();
    for (var half = W / 2; half > 0; half /= 2) {
        if i < half { shared_value[i] += shared_value[i + half]; }
        workgroupBarrier();
    }
    return workgroupUniformLoad(&shared_value[0]);
}
@compute @workgroup_size(W)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let row = group.x * shape.columns;
    var largest = -1e30;
    for (var at = i; at < shape.columns; at += W) { largest = max(largest, x[row + at]); }
    largest = all_max(largest, i);
    var sum = 0.0;
    for (var at = i; at < shape.columns; at += W) {
        let e = exp(x[row + at] - largest);
        x[row + at] = e;
        sum += e;
    }
    sum = all_sum(sum, i);
    for (var at = i; at < shape.columns; at += W) { x[row + at] /= sum; }
}
