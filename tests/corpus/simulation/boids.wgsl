// Cohesion, separation and alignment over all pairs.
struct Boid { position: vec2f, velocity: vec2f }
@group(0) @binding(0) var<storage, read> boids: array<Boid>;
@group(0) @binding(1) var<storage, read_write> next: array<Boid>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    let n = arrayLength(&boids);
    if id.x >= n { return; }
    let own = boids[id.x];
    var centre = vec2f();
    var course = vec2f();
    var away = vec2f();
    var near = 0u;
    for (var i = 0u; i < n; i++) {
        if i == id.x { continue; }
        let d = boids[i].position - own.position;
        let squared = dot(d, d);
        if squared < 0.25 {
            centre += boids[i].position;
            course += boids[i].velocity;
            near++;
        }
        if squared < 0.01 { away -= d; }
    }
    var v = own.velocity + away * 0.5;
    if near > 0 {
        let share = 1 / f32(near);
        v += (centre * share - own.position) * 0.02 + course * share * 0.05;
    }
    next[id.x] = Boid(own.position + v * 0.04, v);
}
