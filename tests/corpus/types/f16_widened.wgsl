// f16 in memory, f32 in the sum: what a dot product of halves should be.
enable f16;
@group(0) @binding(0) var<storage, read> a: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
const ROW = 8u;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&sums) { return; }
    var sum = 0.0;
    for (var i = 0u; i < ROW; i++) {
        sum += dot(vec4f(a[id.x * ROW + i]), vec4f(b[id.x * ROW + i]));
    }
    sums[id.x] = sum;
}
