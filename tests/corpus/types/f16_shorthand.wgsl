enable f16;
@group(0) @binding(0) var<storage, read> x: array<vec2h>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2h>;
const TURN = mat2x2h(0, 1, -1, 0);
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = vec3h(x[id.x], 1);
    let w = vec4h(v.zyx, v.y) / 2;
    y[id.x] = TURN * v.xy + w.xw;
}
