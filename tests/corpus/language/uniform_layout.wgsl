struct Inner { a: vec3f, b: f32, c: array<vec4f, 2> }
struct Outer { @size(16) count: u32, inner: array<Inner, 2>, m: mat3x3f, @align(16) tail: vec2u, flags: u32 }
@group(0) @binding(0) var<uniform> u: Outer;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() {
    var at = 0u;
    for (var i = 0u; i < u.count; i++) {
        let inner = u.inner[i];
        y[at] = inner.a.x + inner.a.y * 10 + inner.a.z * 100;
        y[at + 1] = inner.b;
        y[at + 2] = inner.c[0].w + inner.c[1].x * 10;
        at += 3;
    }
    y[at] = u.m[2][1];
    y[at + 1] = f32(u.tail.y + u.flags);
}
