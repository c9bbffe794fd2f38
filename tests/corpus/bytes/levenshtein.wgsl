// The distance of two words of 16 letters, by anti-diagonals in workgroup memory: a thread a row.
const N = 16u;
var<workgroup> lines: array<array<u32, N + 1>, 3>;
@group(0) @binding(0) var<storage, read> pairs: array<array<u32, 2 * N>>;
@group(0) @binding(1) var<storage, read_write> distances: array<u32>;
@compute @workgroup_size(17)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) row: u32) {
    for (var diagonal = 0u; diagonal <= 2 * N; diagonal++) {
        let column = diagonal - row;
        if row <= diagonal && column <= N {
            var best = max(row, column);
            if row > 0 && column > 0 {
                let before = lines[(diagonal + 2) % 3][row - 1];
                let beside = lines[(diagonal + 2) % 3][row];
                let differs = u32(pairs[group.x][row - 1] != pairs[group.x][N + column - 1]);
                best = min(min(before, beside) + 1, lines[(diagonal + 1) % 3][row - 1] + differs);
            }
            lines[diagonal % 3][row] = best;
        }
        workgroupBarrier();
    }
    if row == N { distances[group.x] = lines[2 * N % 3][N]; }
}
