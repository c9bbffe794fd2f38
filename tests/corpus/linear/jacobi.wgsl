// One step for A x = b, A dense with a strong diagonal.
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> next: array<f32>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    let n = arrayLength(&b);
    if id.x >= n { return; }
    var sum = b[id.x];
    for (var i = 0u; i < n; i++) { if i != id.x { sum -= a[id.x * n + i] * x[i]; } }
    next[id.x] = sum / a[id.x * n + id.x];
}
