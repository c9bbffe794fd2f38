const K = 3u;
struct Shape { width: u32, height: u32 }
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> columns: array<f32>;
var<immediate> shape: Shape;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    let size = vec2u(shape.width, shape.height) - K + 1;
    let count = size.x * size.y;
    if id.x >= count * K * K { return; }
    let place = vec2u(id.x % count % size.x, id.x % count / size.x);
    let tap = vec2u(id.x / count % K, id.x / count / K);
    columns[id.x] = image[(place.y + tap.y) * shape.width + place.x + tap.x];
}
