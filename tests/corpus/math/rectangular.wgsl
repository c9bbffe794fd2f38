@group(0) @binding(0) var<storage, read> a: array<mat2x4f>;
@group(0) @binding(1) var<storage, read> b: array<mat3x2f>;
@group(0) @binding(2) var<storage, read_write> c: array<mat3x4f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&a) { c[id.x] = a[id.x] * b[id.x]; }
}
