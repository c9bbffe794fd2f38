@group(0) @binding(0) var<storage, read> x: array<vec3f>;
@group(0) @binding(1) var<storage, read_write> y: array<array<vec3f, 4>>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let v = x[id.x];
    y[id.x] = array(mix(v, v.zxy, 0.25), mix(vec3f(1), v, v.yzx), step(vec3f(0.1), v), smoothstep(vec3f(-0.5), vec3f(0.5), v));
}
