@group(0) @binding(0) var<storage, read_write> y: array<vec4<u32>>;
const N = vec3u(4, 6, 10);
@compute @workgroup_size(4, 2, 2)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    y[(id.z * N.y + id.y) * N.x + id.x] = vec4(id, local);
}
