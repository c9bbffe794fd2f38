fn inverse(m: mat3x3f) -> mat3x3f {
    let rows = mat3x3f(cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1]));
    return transpose(rows) * (1.0 / dot(m[0], rows[0]));
}
@group(0) @binding(0) var<storage, read> a: array<mat3x3f>;
@group(0) @binding(1) var<storage, read_write> product: array<mat3x3f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&a) { product[id.x] = inverse(a[id.x]) * a[id.x]; }
}
