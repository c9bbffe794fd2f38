// A table over [0, 1], read with linear interpolation.
@group(0) @binding(0) var<storage, read> knots: array<f32>;
@group(0) @binding(1) var<storage, read> at: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&at) { return; }
    let last = arrayLength(&knots) - 1;
    let position = saturate(at[id.x]) * f32(last);
    let left = min(u32(position), last - 1);
    y[id.x] = mix(knots[left], knots[left + 1], position - f32(left));
}
