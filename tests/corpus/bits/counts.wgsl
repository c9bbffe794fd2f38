@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = vec4u(countOneBits(v), countLeadingZeros(v), countTrailingZeros(v), reverseBits(v));
}
