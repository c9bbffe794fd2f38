// Three bytes to four letters; the text's length is a multiple of twelve bytes, so no letter is missing.
fn letter(v: u32) -> u32 {
    if v < 26 { return v + 65; }
    if v < 52 { return v + 71; }
    if v < 62 { return v - 4; }
    return select(47u, 43u, v == 62);
}
@group(0) @binding(0) var<storage, read> bytes: array<u32>;
@group(0) @binding(1) var<storage, read_write> text: array<u32>;
fn byte(at: u32) -> u32 { return bytes[at / 4] >> (at % 4 * 8) & 0xFF; }
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&text) { return; }
    let v = byte(id.x * 3) << 16 | byte(id.x * 3 + 1) << 8 | byte(id.x * 3 + 2);
    text[id.x] = letter(v >> 18) | letter(v >> 12 & 63) << 8 | letter(v >> 6 & 63) << 16 | letter(v & 63) << 24;
}
