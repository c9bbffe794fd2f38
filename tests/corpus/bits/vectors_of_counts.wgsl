@group(0) @binding(0) var<storage, read_write> x: array<vec4u>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    x[id.x] = countOneBits(v) + 100 * countLeadingZeros(v >> vec4u(1, 2, 3, 4)) + 10000 * countTrailingZeros(v << vec4u(4, 3, 2, 1));
}
