// A hundred generations of an automaton in 32-bit words, one workgroup a tape.
var<workgroup> tape: array<u32, 16>;
@group(0) @binding(0) var<storage, read_write> tapes: array<array<u32, 16>>;
@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    var own = tapes[group.x][i];
    for (var generation = 0; generation < 100; generation++) {
        tape[i] = own;
        workgroupBarrier();
        let left = own << 1 | tape[(i + 15) % 16] >> 31;
        let right = own >> 1 | tape[(i + 1) % 16] << 31;
        own = (own | right) & ~(left & own & right);
        workgroupBarrier();
    }
    tapes[group.x][i] = own;
}
