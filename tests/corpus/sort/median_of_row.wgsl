// The median by counting bits from the top: no array is moved.
const ROW = 31u;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> medians: array<u32>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&medians) { return; }
    var prefix = 0u;
    var rank = ROW / 2;
    for (var bit = 31; bit >= 0; bit -= 1) {
        let mask = 0xFFFFFFFFu << u32(bit);
        var zeros = 0u;
        for (var i = 0u; i < ROW; i += 1) {
            if (x[id.x * ROW + i] & mask) == prefix { zeros += 1; }
        }
        if rank >= zeros {
            rank -= zeros;
            prefix |= 1u << u32(bit);
        }
    }
    medians[id.x] = prefix;
}
