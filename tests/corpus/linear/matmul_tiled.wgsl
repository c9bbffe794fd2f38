struct Shape { m: u32, n: u32, k: u32 }
const T = 8u;
var<workgroup> tile_a: array<array<f32, T>, T>;
var<workgroup> tile_b: array<array<f32, T>, T>;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;
@compute @workgroup_size(T, T)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
    var sum = 0.0;
    for (var k = 0u; k < shape.k; k += T) {
        tile_a[local.y][local.x] = select(0.0, a[id.y * shape.k + k + local.x], id.y < shape.m && k + local.x < shape.k);
        tile_b[local.y][local.x] = select(0.0, b[(k + local.y) * shape.n + id.x], id.x < shape.n && k + local.y < shape.k);
        workgroupBarrier();
        for (var i = 0u; i < T; i++) { sum += tile_a[local.y][i] * tile_b[i][local.x]; }
        workgroupBarrier();
    }
    if id.y < shape.m && id.x < shape.n { c[id.y * shape.n + id.x] = sum; }
}
