// Batches of 4 by 4 matrices that are symmetric and positive: one thread each, in registers.
@group(0) @binding(0) var<storage, read_write> batch: array<mat4x4f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&batch) { return; }
    let a = batch[id.x];
    var l = mat4x4f();
    for (var j = 0; j < 4; j++) {
        var d = a[j][j];
        for (var k = 0; k < j; k++) { d -= l[k][j] * l[k][j]; }
        l[j][j] = sqrt(d);
        for (var i = j + 1; i < 4; i++) {
            var s = a[j][i];
            for (var k = 0; k < j; k++) { s -= l[k][i] * l[k][j]; }
            l[j][i] = s / l[j][j];
        }
    }
    batch[id.x] = l;
}
