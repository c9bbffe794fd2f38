@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(1) @binding(0) var<storage, read> b: array<f32>;
@group(2) @binding(0) var<storage, read_write> m: array<f32>;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.y < arrayLength(&a) && id.x < arrayLength(&b) { m[id.y * arrayLength(&b) + id.x] += a[id.y] * b[id.x]; }
}
