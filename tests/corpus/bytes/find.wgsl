// Where a needle of up to eight bytes stands, as flags by byte.
struct Needle { length: u32, low: u32, high: u32 }
var<immediate> needle: Needle;
@group(0) @binding(0) var<storage, read> text: array<u32>;
@group(0) @binding(1) var<storage, read_write> flags: array<atomic<u32>>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x + needle.length > arrayLength(&text) * 4 { return; }
    var found = true;
    for (var i = 0u; i < needle.length; i++) {
        let at = id.x + i;
        let byte = text[at / 4] >> (at % 4 * 8) & 0xFF;
        let wanted = select(needle.low, needle.high, i >= 4) >> (i % 4 * 8) & 0xFF;
        if byte != wanted { found = false; break; }
    }
    if found { atomicOr(&flags[id.x / 32], 1u << (id.x % 32)); }
}
