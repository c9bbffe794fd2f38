// Each thread counts who comes before its element: quadratic, and hard to beat for short arrays.
@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> sorted: array<i32>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    let n = arrayLength(&x);
    if id.x >= n { return; }
    let own = x[id.x];
    var rank = 0u;
    for (var i = 0u; i < n; i++) { rank += u32(x[i] < own || (x[i] == own && i < id.x)); }
    sorted[rank] = own;
}
