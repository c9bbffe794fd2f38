enable wgpu_int16;
// Mixes two tracks of 16-bit samples, saturating.
@group(0) @binding(0) var<storage, read> a: array<i16>;
@group(0) @binding(1) var<storage, read_write> b: array<i16>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    b[id.x] = i16(clamp(i32(a[id.x]) + i32(b[id.x]), -32768, 32767));
}
