@group(0) @binding(0) var<storage, read> starts: array<u32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read_write> r: array<f32>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&r) { return; }
    var sum = 0.0;
    for (var i = starts[id.x]; i < starts[id.x + 1]; i++) { sum = fma(values[i], v[columns[i]], sum); }
    r[id.x] = sum;
}
