const T = 16u;
// One column more, so that columns lie in different banks.
var<workgroup> tile: array<array<f32, T + 1>, T>;
struct Shape { width: u32, height: u32 }
@group(0) @binding(0) var<storage, read> m: array<f32>;
@group(0) @binding(1) var<storage, read_write> t: array<f32>;
@group(0) @binding(2) var<uniform> shape: Shape;
@compute @workgroup_size(T, T)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let p = group.xy * T + local.xy;
    if all(p < vec2u(shape.width, shape.height)) { tile[local.y][local.x] = m[p.y * shape.width + p.x]; }
    workgroupBarrier();
    let q = group.yx * T + local.xy;
    if all(q < vec2u(shape.height, shape.width)) { t[q.y * shape.height + q.x] = tile[local.x][local.y]; }
}
