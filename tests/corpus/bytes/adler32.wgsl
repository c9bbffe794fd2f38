const BYTES = 48u;
@group(0) @binding(0) var<storage, read> text: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&sums) { return; }
    var a = 1u;
    var b = 0u;
    for (var i = 0u; i < BYTES; i++) {
        let at = id.x * BYTES + i;
        a += extractBits(text[at / 4], at % 4 * 8, 8u);
        b += a;
    }
    sums[id.x] = (b % 65521) << 16 | (a % 65521);
}
