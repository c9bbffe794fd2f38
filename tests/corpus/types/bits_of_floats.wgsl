// Sortable keys: the order of the keys as unsigned integers is the order of the floats.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> back: array<vec2f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let bits = bitcast<u32>(x[id.x]);
    let key = select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
    keys[id.x] = key;
    back[id.x] = bitcast<vec2<f32>>(vec2<u32>(select(key & 0x7FFFFFFFu, ~key, (key >> 31u) == 0u), bits & 0x7FFFFFFFu));
}
