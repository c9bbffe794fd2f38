@group(0) @binding(0) var<storage, read_write> text: array<u32>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&text) { return; }
    let letters = unpack4xU8(text[id.x]);
    let small = (letters >= vec4u(97)) & (letters <= vec4u(122));
    text[id.x] = pack4xU8(select(letters, letters - 32, small));
}
