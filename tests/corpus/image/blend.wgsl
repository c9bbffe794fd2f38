// Porter and Duff's operators over premultiplied colours, the mode from the host.
@group(0) @binding(0) var<storage, read> above: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> below: array<vec4f>;
var<immediate> mode: u32;
fn factors(a: f32, b: f32) -> vec2f {
    switch mode {
        case 0u: { return vec2f(1, 1 - a); }      // over
        case 1u: { return vec2f(b, 0); }          // in
        case 2u: { return vec2f(1 - b, 0); }      // out
        case 3u: { return vec2f(b, 1 - a); }      // atop
        case 4u: { return vec2f(1 - b, 1 - a); }  // xor
        default: { return vec2f(1); }             // plus
    }
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&above) { return; }
    let f = factors(above[id.x].a, below[id.x].a);
    below[id.x] = min(above[id.x] * f.x + below[id.x] * f.y, vec4f(1));
}
