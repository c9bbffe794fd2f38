@group(0) @binding(0) var<storage, read> a: array<i32>;
@group(0) @binding(1) var<storage, read> b: array<i32>;
@group(0) @binding(2) var<storage, read_write> r: array<vec4i>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    let n = a[id.x];
    let d = b[id.x];
    r[id.x] = vec4i(n / d, n % d, i32(u32(n) / u32(d)), i32(u32(n) % u32(d)));
}
