// Counts characters: the bytes that do not continue one.
@group(0) @binding(0) var<storage, read> text: array<u32>;
@group(0) @binding(1) var<storage, read_write> count: atomic<u32>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&text) { return; }
    let word = text[id.x];
    let continues = word >> 7 & ~(word >> 6) & 0x01010101;
    atomicAdd(&count, 4 - countOneBits(continues));
}
