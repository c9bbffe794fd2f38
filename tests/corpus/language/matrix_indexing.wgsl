@group(0) @binding(0) var<storage, read_write> m: array<mat4x4f>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&m) { return; }
    var a = m[id.x];
    let k = id.x % 4;
    let column = a[k];
    a[k] = a[3 - k];
    a[3 - k] = column;
    a[1][k] *= 2.0;
    a[k].z -= 1.0;
    m[id.x] = a;
    m[id.x][k][3 - k] = 7.0;
}
