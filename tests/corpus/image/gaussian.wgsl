// Five by five with mirrored edges, weights from a product of two constant vectors.
const WEIGHTS = array<f32, 5>(1.0 / 16, 4.0 / 16, 6.0 / 16, 4.0 / 16, 1.0 / 16);
struct Size { width: i32, height: i32 }
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
var<immediate> size: Size;
fn mirrored(v: i32, n: i32) -> i32 { return select(abs(v), 2 * n - 2 - v, v >= n); }
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    let p = vec2i(id.xy);
    if p.x >= size.width || p.y >= size.height { return; }
    var weights = WEIGHTS;
    var sum = 0.0;
    for (var dy = -2; dy <= 2; dy++) {
        for (var dx = -2; dx <= 2; dx++) {
            let q = vec2i(mirrored(p.x + dx, size.width), mirrored(p.y + dy, size.height));
            sum += weights[dx + 2] * weights[dy + 2] * image[q.y * size.width + q.x];
        }
    }
    out[p.y * size.width + p.x] = sum;
}
