// Counts words: the starts of runs of letters, with the byte before from the neighbour's word.
@group(0) @binding(0) var<storage, read> text: array<u32>;
@group(0) @binding(1) var<storage, read_write> count: atomic<u32>;
fn is_space(c: u32) -> bool { return c == 32 || (c >= 9 && c <= 13); }
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&text) { return; }
    var space = true;
    if id.x > 0 { space = is_space(text[id.x - 1] >> 24); }
    var starts = 0u;
    for (var i = 0u; i < 4; i++) {
        let own = is_space(extractBits(text[id.x], i * 8, 8u));
        starts += u32(space && !own);
        space = own;
    }
    if starts > 0 { atomicAdd(&count, starts); }
}
