// Sums over all that is above and to the left: rows, then columns.
struct Size { width: u32, height: u32 }
@group(0) @binding(0) var<storage, read_write> image: array<u32>;
@group(0) @binding(1) var<uniform> size: Size;
@compute @workgroup_size(16) fn rows(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= size.height { return; }
    for (var x = 1u; x < size.width; x++) { image[id.x * size.width + x] += image[id.x * size.width + x - 1]; }
}
@compute @workgroup_size(16) fn columns(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= size.width { return; }
    for (var y = 1u; y < size.height; y++) { image[y * size.width + id.x] += image[(y - 1) * size.width + id.x]; }
}
