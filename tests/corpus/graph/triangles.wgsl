// Counts triangles by bit rows of the adjacency matrix.
@group(0) @binding(0) var<storage, read> rows: array<vec2u, 64>;
@group(0) @binding(1) var<storage, read_write> count: atomic<u32>;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    let a = id.x;
    let b = id.y;
    if a >= b || (rows[a][b / 32] >> (b % 32) & 1) == 0 { return; }
    let both = rows[a] & rows[b];
    let ones = countOneBits(both);
    atomicAdd(&count, ones.x + ones.y);
}
