struct Particle { position: vec2f, velocity: vec2f, age: f32, seed: u32 }
struct World { gravity: vec2f, dt: f32, bounce: f32, size: vec2f }
@group(0) @binding(0) var<storage, read_write> particles: array<Particle>;
@group(1) @binding(0) var<uniform> world: World;
fn reflected(p: ptr<function, Particle>, axis: u32) {
    let size = world.size[axis];
    if (*p).position[axis] < 0 {
        (*p).position[axis] = -(*p).position[axis];
        (*p).velocity[axis] *= -world.bounce;
    } else if (*p).position[axis] > size {
        (*p).position[axis] = 2 * size - (*p).position[axis];
        (*p).velocity[axis] *= -world.bounce;
    }
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&particles) { return; }
    var p = particles[id.x];
    p.velocity += world.gravity * world.dt;
    p.position += p.velocity * world.dt;
    reflected(&p, 0u);
    reflected(&p, 1u);
    p.age += world.dt;
    p.seed = p.seed * 747796405u + 2891336453u;
    particles[id.x] = p;
}
