// Ordered dithering: the matrix by interleaving bits, no table.
struct Size { width: u32, height: u32 }
@group(0) @binding(0) var<storage, read> grey: array<f32>;
@group(0) @binding(1) var<storage, read_write> bits: array<u32>;
var<immediate> size: Size;
fn threshold(p: vec2u) -> f32 {
    let q = p.x ^ p.y;
    var v = 0u;
    for (var bit = 0u; bit < 3; bit++) {
        v = v << 2 | (q >> bit & 1) << 1 | (p.y >> bit & 1);
    }
    return (f32(v) + 0.5) / 64;
}
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x * 32 >= size.width || id.y >= size.height { return; }
    var word = 0u;
    for (var bit = 0u; bit < 32 && id.x * 32 + bit < size.width; bit++) {
        let p = vec2u(id.x * 32 + bit, id.y);
        word |= u32(grey[p.y * size.width + p.x] > threshold(p)) << bit;
    }
    bits[id.y * ((size.width + 31) / 32) + id.x] = word;
}
