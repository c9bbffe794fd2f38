const SEED = 42u;
@group(0) @binding(0) var<storage, read> keys: array<array<u32, 4>>;
@group(0) @binding(1) var<storage, read_write> hashes: array<u32>;
fn rotl(x: u32, by: u32) -> u32 { return x << by | x >> (32 - by); }
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&hashes) { return; }
    var h = SEED;
    for (var i = 0; i < 4; i++) {
        h ^= rotl(keys[id.x][i] * 0xcc9e2d51u, 15u) * 0x1b873593u;
        h = rotl(h, 13u) * 5 + 0xe6546b64u;
    }
    h ^= 16;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    hashes[id.x] = h ^ h >> 16;
}
