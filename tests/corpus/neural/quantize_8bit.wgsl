// Symmetric, a block of 32 a workgroup: the largest by a tree, four threads pack a word.
var<workgroup> magnitudes: array<f32, 32>;
var<workgroup> rounded: array<i32, 32>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> scales: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<u32>;
@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let own = x[group.x * 32 + i];
    magnitudes[i] = abs(own);
    for (var half = 16u; half > 0; half /= 2) {
        workgroupBarrier();
        if i < half { magnitudes[i] = max(magnitudes[i], magnitudes[i + half]); }
    }
    workgroupBarrier();
    let scale = magnitudes[0] / 127;
    rounded[i] = i32(round(own / scale));
    workgroupBarrier();
    if i == 0 { scales[group.x] = scale; }
    if i < 8 {
        let at = i * 4;
        packed[group.x * 8 + i] = pack4xI8(vec4i(rounded[at], rounded[at + 1], rounded[at + 2], rounded[at + 3]));
    }
}
