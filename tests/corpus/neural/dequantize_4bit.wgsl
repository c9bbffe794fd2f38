// Blocks of 32 weights: a scale and a minimum as halves in one word, then four words of nibbles.
struct Block { scale_and_minimum: u32, quants: array<u32, 4> }
@group(0) @binding(0) var<storage, read> blocks: array<Block>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let head = unpack2x16float(blocks[group.x].scale_and_minimum);
    let nibble = extractBits(blocks[group.x].quants[i / 8], i % 8 * 4, 4u);
    weights[group.x * 32 + i] = fma(head.x, f32(nibble), head.y);
}
