// Square matrices whose side is a multiple of 32; each thread makes 4 by 4 of the product in registers.
const BLOCK = 32u;
const DEPTH = 8u;
var<workgroup> tile_a: array<array<f32, BLOCK>, DEPTH>;
var<workgroup> tile_b: array<array<vec4f, BLOCK / 4>, DEPTH>;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
var<immediate> n: u32;
@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
    var sums: array<vec4f, 4>;
    for (var k = 0u; k < n; k += DEPTH) {
        for (var i = index; i < BLOCK * DEPTH; i += 64) {
            tile_a[i % DEPTH][i / DEPTH] = a[(group.y * BLOCK + i / DEPTH) * n + k + i % DEPTH];
        }
        tile_b[index / 8][index % 8] = b[((k + index / 8) * n + group.x * BLOCK) / 4 + index % 8];
        workgroupBarrier();
        for (var i = 0u; i < DEPTH; i++) {
            let right = tile_b[i][local.x];
            for (var row = 0u; row < 4; row++) { sums[row] += tile_a[i][local.y * 4 + row] * right; }
        }
        workgroupBarrier();
    }
    for (var row = 0u; row < 4; row++) {
        c[((group.y * BLOCK + local.y * 4 + row) * n + group.x * BLOCK) / 4 + local.x] = sums[row];
    }
}
