fn rotate(x: u32, by: u32) -> u32 { return (x << (by & 31u)) | (x >> ((32u - by) & 31u)); }
@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { x[id.x] = rotate(x[id.x], id.x) ^ ~rotate(id.x, 7u); }
}
