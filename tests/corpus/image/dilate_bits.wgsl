// Morphology on bit images: 32 pixels a word, a cross as the element.
struct Size { words: u32, height: u32 }
var<immediate> size: Size;
@group(0) @binding(0) var<storage, read> image: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= size.words || id.y >= size.height { return; }
    let at = id.y * size.words + id.x;
    var r = image[at];
    r |= image[at] << 1 | image[at] >> 1;
    if id.x > 0 { r |= image[at - 1] >> 31; }
    if id.x + 1 < size.words { r |= image[at + 1] << 31; }
    if id.y > 0 { r |= image[at - size.words]; }
    if id.y + 1 < size.height { r |= image[at + size.words]; }
    out[at] = r;
}
