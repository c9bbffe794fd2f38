@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4i>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    let u = bitcast<u32>(v);
    y[id.x] = vec4i(firstLeadingBit(v), firstTrailingBit(v), bitcast<i32>(firstLeadingBit(u)), countLeadingZeros(v));
}
