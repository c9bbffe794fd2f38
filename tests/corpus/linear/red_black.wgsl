// Gauss and Seidel's relaxation of Laplace's equation: first the red points, then the black ones.
const SIZE = vec2u(18, 14);
@group(0) @binding(0) var<storage, read_write> grid: array<array<f32, SIZE.x>, SIZE.y>;
fn relax(p: vec2u, colour: u32) {
    if any(p == vec2u(0)) || any(p >= SIZE - 1) || (p.x + p.y) % 2 != colour { return; }
    let around = grid[p.y - 1][p.x] + grid[p.y + 1][p.x] + grid[p.y][p.x - 1] + grid[p.y][p.x + 1];
    grid[p.y][p.x] = mix(grid[p.y][p.x], around / 4, 1.5);
}
@compute @workgroup_size(8, 8) fn red(@builtin(global_invocation_id) id: vec3u) { relax(id.xy, 0u); }
@compute @workgroup_size(8, 8) fn black(@builtin(global_invocation_id) id: vec3u) { relax(id.xy, 1u); }
