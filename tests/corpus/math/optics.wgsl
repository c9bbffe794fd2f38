@group(0) @binding(0) var<storage, read> a: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> y: array<array<vec2f, 4>>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    let ray = normalize(a[id.x]);
    let normal = faceForward(vec2f(0, 1), ray, vec2f(0, 1));
    y[id.x] = array(normal, reflect(ray, normal), refract(ray, normal, 1.0 / 1.5), refract(ray, normal, 1.5));
}
