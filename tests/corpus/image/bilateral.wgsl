struct Options { width: i32, height: i32, space: f32, range: f32 }
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> options: Options;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    let p = vec2i(id.xy);
    let size = vec2i(options.width, options.height);
    if any(p >= size) { return; }
    let centre = image[p.y * size.x + p.x];
    var sum = vec2f();
    for (var y = max(p.y - 2, 0); y <= min(p.y + 2, size.y - 1); y++) {
        for (var x = max(p.x - 2, 0); x <= min(p.x + 2, size.x - 1); x++) {
            let value = image[y * size.x + x];
            let d = vec2f(vec2i(x, y) - p);
            let weight = exp(-dot(d, d) * options.space - (value - centre) * (value - centre) * options.range);
            sum += weight * vec2f(value, 1);
        }
    }
    out[p.y * size.x + p.x] = sum.x / sum.y;
}
