struct View { centre: vec2f, scale: f32, limit: u32, width: u32, height: u32 }
@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read_write> iterations: array<u32>;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= view.width || id.y >= view.height { return; }
    let c = view.centre + (vec2f(id.xy) - vec2f(f32(view.width), f32(view.height)) / 2) * view.scale;
    var z = vec2f();
    var n = 0u;
    while n < view.limit && dot(z, z) <= 4 {
        z = vec2f(z.x * z.x - z.y * z.y, 2 * z.x * z.y) + c;
        n++;
    }
    iterations[id.y * view.width + id.x] = n;
}
