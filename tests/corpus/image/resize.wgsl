// Bilinear, by pixel centres.
struct Sizes { before: vec2u, after: vec2u }
@group(0) @binding(0) var<storage, read> image: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> resized: array<vec4f>;
@group(0) @binding(2) var<uniform> sizes: Sizes;
fn pixel(p: vec2i) -> vec4f {
    let q = vec2u(clamp(p, vec2i(0), vec2i(sizes.before) - 1));
    return image[q.y * sizes.before.x + q.x];
}
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if any(id.xy >= sizes.after) { return; }
    let at = (vec2f(id.xy) + 0.5) * vec2f(sizes.before) / vec2f(sizes.after) - 0.5;
    let p = vec2i(floor(at));
    let t = fract(at);
    let top = mix(pixel(p), pixel(p + vec2i(1, 0)), t.x);
    let bottom = mix(pixel(p + vec2i(0, 1)), pixel(p + 1), t.x);
    resized[id.y * sizes.after.x + id.x] = mix(top, bottom, t.y);
}
