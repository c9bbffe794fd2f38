@group(0) @binding(0) var<storage, read> keys: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> hashes: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&keys) { return; }
    var hash = 2166136261u;
    for (var i = 0u; i < 8u; i++) {
        hash = (hash ^ (keys[id.x][i / 4u] >> (i % 4u * 8u) & 0xFFu)) * 16777619u;
    }
    hashes[id.x] = hash;
}
