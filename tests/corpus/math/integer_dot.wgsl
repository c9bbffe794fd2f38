@group(0) @binding(0) var<storage, read> a: array<vec4i>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2i>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    y[id.x] = vec2i(dot(a[id.x], a[id.x].wzyx), i32(dot(vec3u(abs(a[id.x].xyz)), vec3u(1, 10, 100))));
}
