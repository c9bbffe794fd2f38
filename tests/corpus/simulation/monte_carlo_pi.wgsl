// Points in a square by whole numbers, so that what is inside the circle is beyond doubt.
@group(0) @binding(0) var<storage, read_write> inside: atomic<u32>;
override POINTS: u32 = 100;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    var seed = id.x * 0x9E3779B9u + 1;
    var count = 0u;
    for (var i = 0u; i < POINTS; i++) {
        seed = seed * 1664525 + 1013904223;
        let x = seed >> 20;
        seed = seed * 1664525 + 1013904223;
        let y = seed >> 20;
        count += u32(x * x + y * y < 4096 * 4096);
    }
    atomicAdd(&inside, count);
}
