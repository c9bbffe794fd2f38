// The four largest of each row, descending, kept in registers.
const ROW = 50u;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> top: array<vec4f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&top) { return; }
    var best = vec4f(-1e30);
    for (var i = 0u; i < ROW; i++) {
        let v = x[id.x * ROW + i];
        if v > best.x { best = vec4f(v, best.xyz); }
        else if v > best.y { best = vec4f(best.x, v, best.yz); }
        else if v > best.z { best = vec4f(best.xy, v, best.z); }
        else { best.w = max(best.w, v); }
    }
    top[id.x] = best;
}
