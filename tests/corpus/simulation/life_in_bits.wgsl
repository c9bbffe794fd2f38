// 32 cells a word: neighbours are counted by adders of whole words.
struct Size { words: u32, height: u32 }
var<immediate> size: Size;
@group(0) @binding(0) var<storage, read> now: array<u32>;
@group(0) @binding(1) var<storage, read_write> next: array<u32>;
fn word(x: u32, y: u32) -> u32 { return now[y % size.height * size.words + x % size.words]; }
fn left(x: u32, y: u32) -> u32 { return word(x, y) << 1 | word(x + size.words - 1, y) >> 31; }
fn right(x: u32, y: u32) -> u32 { return word(x, y) >> 1 | word(x + 1, y) << 31; }
@compute @workgroup_size(4, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    let x = id.x;
    if x >= size.words || id.y >= size.height { return; }
    let y = id.y + size.height;
    var ones = 0u;
    var twos = 0u;
    var fours = 0u;
    let around = array<u32, 8>(left(x, y - 1), word(x, y - 1), right(x, y - 1), left(x, y), right(x, y),
        left(x, y + 1), word(x, y + 1), right(x, y + 1));
    var neighbours = around;
    for (var i = 0; i < 8; i++) {
        let carry = ones & neighbours[i];
        ones ^= neighbours[i];
        fours |= twos & carry;
        twos ^= carry;
    }
    next[id.y * size.words + x] = twos & ~fours & (ones | word(x, y));
}
