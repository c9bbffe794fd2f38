// Rows by a tile in shared memory with its margins.
const R = 3u;
const W = 32u;
var<workgroup> tile: array<f32, W + 2 * R>;
struct Size { width: u32, height: u32 }
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> blurred: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;
@compute @workgroup_size(W)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let row = group.y * size.width;
    for (var at = i; at < W + 2 * R; at += W) {
        let x = clamp(i32(group.x * W + at) - i32(R), 0, i32(size.width) - 1);
        tile[at] = image[row + u32(x)];
    }
    workgroupBarrier();
    let x = group.x * W + i;
    if x < size.width {
        var sum = 0.0;
        for (var k = 0u; k <= 2 * R; k++) { sum += tile[i + k]; }
        blurred[row + x] = sum / f32(2 * R + 1);
    }
}
