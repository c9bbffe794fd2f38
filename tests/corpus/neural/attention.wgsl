// One head, causal, without the matrix of scores in memory: the running maximum and sum of each query are kept in registers.
const D = 16u;
@group(0) @binding(0) var<storage, read> q: array<array<f32, D>>;
@group(0) @binding(1) var<storage, read> k: array<array<f32, D>>;
@group(0) @binding(2) var<storage, read> v: array<array<f32, D>>;
@group(0) @binding(3) var<storage, read_write> o: array<array<f32, D>>;
var<workgroup> keys: array<array<f32, D>, 16>;
var<workgroup> values: array<array<f32, D>, 16>;
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    let n = arrayLength(&o);
    let row = min(id.x, n - 1);
    let query = q[row];
    var largest = -1e30;
    var sum = 0.0;
    var out: array<f32, D>;
    for (var block = 0u; block < n; block += 16) {
        if block + local < n {
            keys[local] = k[block + local];
            values[local] = v[block + local];
        }
        workgroupBarrier();
        for (var j = 0u; j < 16 && block + j <= row; j++) {
            var score = 0.0;
            for (var d = 0u; d < D; d++) { score += query[d] * keys[j][d]; }
            score *= 0.25;
            let next = max(largest, score);
            let keep = exp(largest - next);
            let weight = exp(score - next);
            sum = sum * keep + weight;
            for (var d = 0u; d < D; d++) { out[d] = out[d] * keep + weight * values[j][d]; }
            largest = next;
        }
        workgroupBarrier();
    }
    if id.x < n { for (var d = 0u; d < D; d++) { o[id.x][d] = out[d] / sum; } }
}
