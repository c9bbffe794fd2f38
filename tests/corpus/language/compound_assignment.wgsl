@group(0) @binding(0) var<storage, read_write> v: array<vec4u>;
var<private> calls: u32;
fn index() -> u32 { calls++; return calls - 1; }
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&v) { return; }
    var a: array<u32, 10>;
    a[index()] += 5; a[index()] -= 1; a[index()] |= 6; a[index()] ^= 9; a[index()] = 77;
    a[4] /= 4; a[4] %= 10; a[3] <<= 2; a[3] >>= 1; a[2] *= 7; a[2] &= 0xF2;
    a[5]++; a[5]--; a[5]--;
    var f = vec4u(a[0], a[1], a[2], a[3]);
    f *= 2; f += v[id.x]; f ^= vec4u(a[4], a[5], 0, 1);
    _ = index();
    v[id.x] = f + calls;
}
