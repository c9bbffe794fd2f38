@group(0) @binding(0) var<storage, read> a: array<vec2<u64>>;
@group(0) @binding(1) var<storage, read_write> b: array<vec2<u64>>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    b[id.x] = select(b[id.x] % vec2<u64>(1000lu), a[id.x].yx, a[id.x] < b[id.x]);
}
