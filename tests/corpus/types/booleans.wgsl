@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
fn bit(b: bool, at: u32) -> u32 { return u32(b) << at; }
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let odd = (x[id.x] & vec4u(1)) == vec4u(1);
    let large = x[id.x] > vec4u(8);
    let both = odd & large;
    let either = odd | large;
    y[id.x] = bit(all(odd), 0) | bit(any(odd), 1) | bit(both.x && !either.y || both.z, 2) | bit(all(either), 3)
        | bit(odd.x != large.x, 4) | bit(!any(both), 5);
}
