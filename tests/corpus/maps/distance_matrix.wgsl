struct Sizes { n: u32, m: u32 }
@group(0) @binding(0) var<storage, read> a: array<vec2f>;
@group(0) @binding(1) var<storage, read> b: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> d: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < sizes.n && id.y < sizes.m { d[id.y * sizes.n + id.x] = distance(a[id.x], b[id.y]); }
}
