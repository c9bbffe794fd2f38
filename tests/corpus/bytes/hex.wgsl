@group(0) @binding(0) var<storage, read> bytes: array<u32>;
@group(0) @binding(1) var<storage, read_write> text: array<vec2u>;
// All four nibbles of half a word at once.
fn digits(half: u32) -> u32 {
    var n = (half | half << 8) & 0x00FF00FF;
    n = (n >> 4 & 0x000F000F) | (n & 0x000F000F) << 8;
    let letters = (n + 0x06060606) >> 4 & 0x01010101;
    return n + 0x30303030 + letters * 39;
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&text) { text[id.x] = vec2u(digits(bytes[id.x] & 0xFFFF), digits(bytes[id.x] >> 16)); }
}
