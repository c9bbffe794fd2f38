@group(0) @binding(0) var<storage, read_write> rgba: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&rgba) { return; }
    let p = unpack4xU8(rgba[id.x]);
    let grey = dot(p, vec4u(77, 150, 29, 0)) >> 8;
    rgba[id.x] = pack4xU8(vec4u(vec3u(grey), p.a));
}
