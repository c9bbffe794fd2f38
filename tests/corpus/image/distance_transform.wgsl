// One pass of jump flooding: the nearest seed of the nine around, at a distance that halves from pass to pass.
const NONE = vec2i(-1);
struct Pass { width: i32, height: i32, step: i32 }
@group(0) @binding(0) var<storage, read> seeds: array<vec2i>;
@group(0) @binding(1) var<storage, read_write> next: array<vec2i>;
var<immediate> pass_: Pass;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    let p = vec2i(id.xy);
    if p.x >= pass_.width || p.y >= pass_.height { return; }
    var best = NONE;
    var nearest = 0x7FFFFFFF;
    for (var j = -1; j <= 1; j++) {
        for (var i = -1; i <= 1; i++) {
            let q = p + vec2i(i, j) * pass_.step;
            if q.x < 0 || q.y < 0 || q.x >= pass_.width || q.y >= pass_.height { continue; }
            let seed = seeds[q.y * pass_.width + q.x];
            if all(seed == NONE) { continue; }
            let d = seed - p;
            let distance = dot(d, d);
            if distance < nearest {
                nearest = distance;
                best = seed;
            }
        }
    }
    next[p.y * pass_.width + p.x] = best;
}
