// Messages of equal length, one a thread, by nibbles with a table of sixteen.
const TABLE = array<u32, 16>(
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c);
const WORDS = 8u;
@group(0) @binding(0) var<storage, read> messages: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
var<private> table: array<u32, 16> = TABLE;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&sums) { return; }
    var crc = 0xFFFFFFFFu;
    for (var i = 0u; i < WORDS; i++) {
        crc ^= messages[id.x * WORDS + i];
        for (var nibble = 0; nibble < 8; nibble++) { crc = (crc >> 4) ^ table[crc & 15]; }
    }
    sums[id.x] = ~crc;
}
