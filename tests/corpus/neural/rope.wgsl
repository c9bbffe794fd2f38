// Rotates pairs by angles that grow with the position.
struct Shape { positions: u32, pairs: u32, base: f32 }
@group(0) @binding(0) var<storage, read_write> x: array<vec2f>;
@group(0) @binding(1) var<uniform> shape: Shape;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.pairs || id.y >= shape.positions { return; }
    let at = id.y * shape.pairs + id.x;
    let angle = f32(id.y) * pow(shape.base, -f32(id.x) / f32(shape.pairs));
    let c = cos(angle);
    let s = sin(angle);
    x[at] = mat2x2f(c, s, -s, c) * x[at];
}
