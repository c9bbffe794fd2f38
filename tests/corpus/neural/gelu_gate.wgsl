// GELU by its tanh form, times a gate.
const C = 0.7978845608;
@group(0) @binding(0) var<storage, read> gate: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    x[id.x] = 0.5 * v * (1.0 + tanh(C * (v + 0.044715 * v * v * v))) * gate[id.x];
}
