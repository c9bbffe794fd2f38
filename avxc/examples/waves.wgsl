// A picture of circular waves, to have something to try other kernels on.
struct Image { height: u32, width: u32 }
@group(0) @binding(0) var<storage, read_write> picture: array<f32>;
@group(0) @binding(1) var<uniform> image: Image;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    if (at.x >= image.width || at.y >= image.height) { return; }
    let middle = vec2<f32>(f32(image.width), f32(image.height)) / 2.0;
    let distance = length(vec2<f32>(at.xy) - middle);
    picture[at.y * image.width + at.x] = 0.5 + 0.5 * cos(distance / 4.0);
}
