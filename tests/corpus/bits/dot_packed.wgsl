@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> s: array<i32>;
@group(0) @binding(3) var<storage, read_write> u: array<u32>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    s[id.x] = dot4I8Packed(a[id.x], b[id.x]);
    u[id.x] = dot4U8Packed(a[id.x], b[id.x]);
}
