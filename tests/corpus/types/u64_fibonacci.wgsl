@group(0) @binding(0) var<storage, read_write> f: array<u64>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&f) { return; }
    var a = 0lu;
    var b = 1lu;
    for (var i = 0u; i < id.x; i++) {
        let next = a + b;
        a = b;
        b = next;
    }
    f[id.x] = a;
}
