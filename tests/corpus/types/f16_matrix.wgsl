enable f16;
@group(0) @binding(0) var<storage, read> m: array<mat4x4<f16>>;
@group(0) @binding(1) var<storage, read> v: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read_write> r: array<vec4<f16>>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&r) { r[id.x] = transpose(m[id.x]) * v[id.x]; }
}
