// Weights and activations of 8 bits, four a word, with a scale for each block of 32.
struct Block { scale: f32, quants: array<u32, 8> }
struct Shape { rows: u32, blocks: u32 }
@group(0) @binding(0) var<storage, read> weights: array<Block>;
@group(0) @binding(1) var<storage, read> x: array<Block>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.rows { return; }
    var sum = 0.0;
    for (var b = 0u; b < shape.blocks; b++) {
        let at = id.x * shape.blocks + b;
        var whole = 0;
        for (var i = 0; i < 8; i++) { whole += dot4I8Packed(weights[at].quants[i], x[b].quants[i]); }
        sum += f32(whole) * weights[at].scale * x[b].scale;
    }
    y[id.x] = sum;
}
