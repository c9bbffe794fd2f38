@group(0) @binding(0) var<storage, read> x: array<vec4i>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = vec4u(pack4xI8(v), pack4xU8(vec4u(v)), pack4xI8Clamp(v), pack4xU8Clamp(vec4u(abs(v))));
}
