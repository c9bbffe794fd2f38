// Breaks and continues that belong to the inner loop, a switch inside it.
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&y) { return; }
    var found = 0u;
    for (var i = 2u; i <= id.x; i++) {
        var prime = true;
        for (var j = 2u; j < i; j++) {
            if j * j > i { break; }
            switch i % j {
                case 0u { prime = false; }
                default { continue; }
            }
            break;
        }
        if !prime { continue; }
        found++;
    }
    y[id.x] = found;
}
