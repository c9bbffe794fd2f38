// Products of Q32 numbers, rounded down.
@group(0) @binding(0) var<storage, read> a: array<i64>;
@group(0) @binding(1) var<storage, read_write> b: array<i64>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&a) { return; }
    let p = a[id.x];
    let q = b[id.x];
    let fraction = (q & 0xFFFFFFFFli) * (p & 0xFFFFli) >> 32u;
    b[id.x] = p * (q >> 32u) + fraction - max(p, q) / 3li;
}
