@group(0) @binding(0) var<storage, read_write> y: array<u32>;
var<immediate> size: vec2u;
@compute @workgroup_size(8, 4) fn main(@builtin(global_invocation_id) id: vec3u) {
    if all(id.xy < size) { y[id.y * size.x + id.x] = id.x * 1000 + id.y; }
}
