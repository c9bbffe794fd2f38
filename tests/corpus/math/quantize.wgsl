@group(0) @binding(0) var<storage, read_write> x: array<vec2f>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { x[id.x] = quantizeToF16(x[id.x]); }
}
