// Run-length coding of one block: a scan of heads gives each run its place.
var<workgroup> heads: array<u32, 128>;
var<workgroup> starts: array<u32, 129>;
@group(0) @binding(0) var<storage, read> x: array<u32, 128>;
@group(0) @binding(1) var<storage, read_write> runs: array<vec2u, 128>;
@group(0) @binding(2) var<storage, read_write> count: u32;
@compute @workgroup_size(128) fn main(@builtin(local_invocation_index) i: u32) {
    let head = i == 0 || x[i] != x[max(i, 1) - 1];
    heads[i] = u32(head);
    for (var step = 1u; step < 128; step *= 2) {
        workgroupBarrier();
        var sum = heads[i];
        if i >= step { sum += heads[i - step]; }
        workgroupBarrier();
        heads[i] = sum;
    }
    workgroupBarrier();
    let total = heads[127];
    if head { starts[heads[i] - 1] = i; }
    if i == 0 {
        starts[total] = 128;
        count = total;
    }
    workgroupBarrier();
    if head {
        let run = heads[i] - 1;
        runs[run] = vec2u(x[i], starts[run + 1] - starts[run]);
    }
}
