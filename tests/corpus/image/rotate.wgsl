struct Size { width: u32, height: u32 }
@group(0) @binding(0) var<storage, read> image: array<u32>;
@group(0) @binding(1) var<storage, read_write> rotated: array<u32>;
@group(0) @binding(2) var<uniform> size: Size;
@compute @workgroup_size(16, 4) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < size.width && id.y < size.height {
        rotated[id.x * size.height + size.height - 1 - id.y] = image[id.y * size.width + id.x];
    }
}
