struct Shape { width: u32, height: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2f>;
@group(0) @binding(2) var<uniform> shape: Shape;
// The largest of each 2 by 2, with its place for the way back.
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if any(id.xy >= vec2u(shape.width, shape.height) / 2) { return; }
    var best = vec2f(-1e30, 0);
    for (var i = 0u; i < 4u; i++) {
        let value = x[(id.y * 2 + (i >> 1)) * shape.width + id.x * 2 + (i & 1)];
        if value > best.x { best = vec2f(value, f32(i)); }
    }
    y[id.y * (shape.width / 2) + id.x] = best;
}
