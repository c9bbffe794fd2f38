struct Push { offset: vec2i, weights: array<vec2f, 2>, m: mat2x2f, last: u32 }
var<immediate> push: Push;
@group(0) @binding(0) var<storage, read_write> y: array<vec2f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x > push.last { return; }
    let p = vec2f(push.offset + i32(id.x));
    y[id.x] = push.m * p + push.weights[id.x % 2];
}
