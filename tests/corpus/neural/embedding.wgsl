@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
override WIDTH: u32 = 4u; // in vec4
@compute @workgroup_size(WIDTH, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.y < arrayLength(&tokens) { y[id.y * WIDTH + id.x] = rows[tokens[id.y] * WIDTH + id.x] * sqrt(f32(4 * WIDTH)); }
}
