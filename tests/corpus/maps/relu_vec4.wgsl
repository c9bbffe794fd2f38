@group(0) @binding(0) var<storage, read_write> x: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { x[id.x] = max(x[id.x], vec4f()); }
}
