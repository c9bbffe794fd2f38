@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<array<vec4f, 4>>;
@group(0) @binding(2) var<storage, read_write> n: array<vec4i>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = array(min(v, v.yzwx), max(v, v.wzyx), clamp(v, vec4(-0.5), vec4(0.25)), saturate(v));
    let i = vec4i(v * 100);
    n[id.x] = min(abs(i), vec4i(70)) * sign(i) + max(i, i.wzyx) + clamp(i, vec4i(-9), vec4i(9));
}
