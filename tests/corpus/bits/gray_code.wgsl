@group(0) @binding(0) var<storage, read_write> x: array<vec2u>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let gray = id.x ^ (id.x >> 1u);
    var back = gray;
    for (var shift = 1u; shift < 32u; shift <<= 1u) { back ^= back >> shift; }
    x[id.x] = vec2u(gray, back);
}
