// Cuts 5-6-5 pixels out and puts them back in the other order.
@group(0) @binding(0) var<storage, read_write> pixels: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&pixels) { return; }
    var out = 0u;
    for (var half = 0u; half < 32; half += 16) {
        let p = pixels[id.x];
        let r = extractBits(p, half + 11, 5u);
        let g = extractBits(p, half + 5, 6u);
        let b = extractBits(p, half, 5u);
        out = insertBits(out, b, half + 11, 5u);
        out = insertBits(out, g, half + 5, 6u);
        out = insertBits(out, r, half, 5u);
    }
    pixels[id.x] = out;
}
