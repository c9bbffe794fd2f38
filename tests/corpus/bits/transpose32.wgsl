// A matrix of 32 by 32 bits, transposed by one thread.
@group(0) @binding(0) var<storage, read_write> m: array<array<u32, 32>>;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&m) { return; }
    var a = m[id.x];
    var mask = 0xFFFFu;
    for (var step = 16u; step > 0; step >>= 1) {
        for (var k = 0u; k < 32; k = (k + step + 1) & ~step) {
            let t = (a[k + step] ^ (a[k] >> step)) & mask;
            a[k + step] ^= t;
            a[k] ^= t << step;
        }
        mask ^= mask << (step >> 1);
    }
    m[id.x] = a;
}
