@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = vec4u(pack4x8unorm(v), pack4x8snorm(v), pack2x16unorm(v.xy), pack2x16snorm(v.zw));
}
