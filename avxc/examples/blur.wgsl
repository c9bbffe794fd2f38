// Each value becomes the mean of itself and its neighbours, three by three; the image is square.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let size = u32(sqrt(f32(arrayLength(&x))));
    if (at.x >= size || at.y >= size) { return; }
    var sum = 0.0;
    for (var dy = -1; dy <= 1; dy++) {
        for (var dx = -1; dx <= 1; dx++) {
            let row = u32(clamp(i32(at.y) + dy, 0, i32(size) - 1));
            let column = u32(clamp(i32(at.x) + dx, 0, i32(size) - 1));
            sum += x[row * size + column];
        }
    }
    y[at.y * size + at.x] = sum / 9.0;
}
