@group(0) @binding(0) var<storage, read_write> states: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&states) { return; }
    var s = states[id.x];
    for (var i = 0; i < 10; i++) {
        s ^= s << 13;
        s ^= s >> 17;
        s ^= s << 5;
    }
    states[id.x] = s;
}
