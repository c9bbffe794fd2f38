// Several channels in and out, kernel 3 by 3, padding of zeros.
struct Shape { width: u32, height: u32, inputs: u32, outputs: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;
fn pixel(channel: u32, p: vec2i) -> f32 {
    if any(p < vec2i(0)) || p.x >= i32(shape.width) || p.y >= i32(shape.height) { return 0.0; }
    return x[(channel * shape.height + u32(p.y)) * shape.width + u32(p.x)];
}
@compute @workgroup_size(8, 4, 2) fn main(@builtin(global_invocation_id) id: vec3u) {
    if any(id >= vec3u(shape.width, shape.height, shape.outputs)) { return; }
    var sum = bias[id.z];
    for (var channel = 0u; channel < shape.inputs; channel++) {
        for (var dy = 0u; dy < 3; dy++) {
            for (var dx = 0u; dx < 3; dx++) {
                let weight = weights[((id.z * shape.inputs + channel) * 3 + dy) * 3 + dx];
                sum += weight * pixel(channel, vec2i(id.xy + vec2u(dx, dy)) - 1);
            }
        }
    }
    y[(id.z * shape.height + id.y) * shape.width + id.x] = max(sum, 0.0);
}
