enable f16;
struct Gain { low: vec2<f16>, high: vec2<f16>, bias: f16 }
@group(0) @binding(0) var<storage, read_write> stereo: array<vec2<f16>>;
@group(0) @binding(1) var<uniform> gain: Gain;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&stereo) { return; }
    let s = stereo[id.x];
    stereo[id.x] = select(gain.low, gain.high, s > vec2<f16>(gain.bias)) * s;
}
