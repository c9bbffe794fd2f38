const X = mat3x3f(-1, 0, 1, -2, 0, 2, -1, 0, 1);
struct Size { width: u32, height: u32 }
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> edges: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= size.width || id.y >= size.height { return; }
    let at = id.y * size.width + id.x;
    if id.x == 0 || id.y == 0 || id.x == size.width - 1 || id.y == size.height - 1 {
        edges[at] = 0;
        return;
    }
    var gradient = vec2f();
    for (var j = 0u; j < 3; j++) {
        for (var i = 0u; i < 3; i++) {
            gradient += vec2f(X[j][i], X[i][j]) * image[at + (j - 1) * size.width + i - 1];
        }
    }
    edges[at] = length(gradient);
}
