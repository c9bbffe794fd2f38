enable wgpu_int16;
@group(0) @binding(0) var<storage, read_write> x: array<u16>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    x[id.x] = (v * v + (v >> 3u)) ^ u16(id.x);
}
