enable f16;
@group(0) @binding(0) var<storage, read> x: array<f16>;
@group(0) @binding(1) var<storage, read_write> y: array<array<f16, 8>>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = array<f16, 8>(abs(v), floor(v), ceil(v), fract(v), clamp(v, -0.5h, 0.5h), sign(v), max(v, -v), trunc(v * 4));
}
