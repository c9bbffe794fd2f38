@group(0) @binding(0) var<storage, read_write> v: array<vec4f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&v) { return; }
    var a = v[id.x];
    a.x = a.w;
    let b = a.rgb.bgr;
    a[id.x % 4] += 1.0;
    var c = vec4(b.xy, a.zz);
    c.y *= -1.0;
    let wide = vec4(vec3(a.x, a.xy), 1.0).wzyx;
    v[id.x] = c + wide.xxyy * vec2f(1, 0).xyxy;
}
