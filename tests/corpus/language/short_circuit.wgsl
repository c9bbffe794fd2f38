// The right side of && and || must not run in vain: it would count.
var<private> count: u32;
fn truly(b: bool) -> bool { count++; return b; }
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&y) { return; }
    let a = (id.x & 1) == 1;
    let b = (id.x & 2) == 2;
    let c = (id.x & 4) == 4;
    let r = truly(a) && truly(b) || truly(c) && !(truly(a) | truly(b));
    y[id.x] = count * 2 + u32(r);
}
