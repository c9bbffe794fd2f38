@group(0) @binding(0) var<storage, read> sorted: array<u32>;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> at: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&keys) { return; }
    var low = 0u;
    var count = arrayLength(&sorted);
    while count > 0u {
        let half = count / 2u;
        if sorted[low + half] < keys[id.x] {
            low += half + 1u;
            count -= half + 1u;
        } else {
            count = half;
        }
    }
    at[id.x] = low;
}
