// All shortest paths of a small graph in place.
const N = 16u;
@group(0) @binding(0) var<storage, read_write> d: array<array<u32, N>, N>;
@compute @workgroup_size(N, N) fn main(@builtin(local_invocation_id) at: vec3u) {
    for (var k = 0u; k < N; k++) {
        let over = d[at.y][k] + d[k][at.x];
        let own = d[at.y][at.x];
        storageBarrier();
        if over < own { d[at.y][at.x] = over; }
        storageBarrier();
    }
}
