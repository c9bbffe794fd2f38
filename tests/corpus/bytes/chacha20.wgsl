// Key streams: a block a thread, the counter from the grid.
struct Input { key: array<vec4u, 2>, counter_and_nonce: vec4u }
@group(0) @binding(0) var<uniform> input: Input;
@group(0) @binding(1) var<storage, read_write> stream: array<array<vec4u, 4>>;
fn rotl(v: vec4u, by: u32) -> vec4u { return v << vec4u(by) | v >> vec4u(32 - by); }
fn round(s: ptr<function, array<vec4u, 4>>) {
    (*s)[0] += (*s)[1]; (*s)[3] = rotl((*s)[3] ^ (*s)[0], 16u);
    (*s)[2] += (*s)[3]; (*s)[1] = rotl((*s)[1] ^ (*s)[2], 12u);
    (*s)[0] += (*s)[1]; (*s)[3] = rotl((*s)[3] ^ (*s)[0], 8u);
    (*s)[2] += (*s)[3]; (*s)[1] = rotl((*s)[1] ^ (*s)[2], 7u);
}
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&stream) { return; }
    let start = array(vec4u(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574), input.key[0], input.key[1],
        input.counter_and_nonce + vec4u(id.x, 0, 0, 0));
    var s = start;
    for (var i = 0; i < 10; i++) {
        round(&s);
        s[1] = s[1].yzwx; s[2] = s[2].zwxy; s[3] = s[3].wxyz;
        round(&s);
        s[1] = s[1].wxyz; s[2] = s[2].zwxy; s[3] = s[3].yzwx;
    }
    stream[id.x] = array(s[0] + start[0], s[1] + start[1], s[2] + start[2], s[3] + start[3]);
}
