// All pairs, bodies through shared memory by tiles.
const TILE = 32u;
var<workgroup> tile: array<vec4f, TILE>;
struct Step { dt: f32, softening: f32, count: u32 }
@group(0) @binding(0) var<storage, read> bodies: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> velocities: array<vec4f>;
@group(0) @binding(2) var<uniform> step: Step;
@compute @workgroup_size(TILE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    let own = bodies[min(id.x, step.count - 1)].xyz;
    var force = vec3f();
    for (var start = 0u; start < step.count; start += TILE) {
        tile[local] = select(vec4f(), bodies[min(start + local, step.count - 1)], start + local < step.count);
        workgroupBarrier();
        for (var i = 0u; i < TILE; i++) {
            let d = tile[i].xyz - own;
            let inverse = inverseSqrt(dot(d, d) + step.softening);
            force += d * (tile[i].w * inverse * inverse * inverse);
        }
        workgroupBarrier();
    }
    if id.x < step.count { velocities[id.x] += vec4f(force * step.dt, 0); }
}
