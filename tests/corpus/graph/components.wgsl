// Label propagation until nothing changes, all in one workgroup.
const NODES = 64u;
var<workgroup> labels: array<atomic<u32>, NODES>;
var<workgroup> changed: atomic<u32>;
@group(0) @binding(0) var<storage, read> edges: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> result: array<u32, NODES>;
@compute @workgroup_size(NODES) fn main(@builtin(local_invocation_index) i: u32) {
    atomicStore(&labels[i], i);
    for (var round = 0u; round < NODES; round++) {
        if i == 0 { atomicStore(&changed, 0u); }
        workgroupBarrier();
        for (var at = i; at < arrayLength(&edges); at += NODES) {
            let a = atomicLoad(&labels[edges[at].x]);
            let b = atomicLoad(&labels[edges[at].y]);
            if a != b {
                atomicMin(&labels[edges[at].x], b);
                atomicMin(&labels[edges[at].y], a);
                atomicStore(&changed, 1u);
            }
        }
        workgroupBarrier();
        let again = atomicLoad(&changed);
        workgroupBarrier();
        if again == 0 { break; }
    }
    result[i] = atomicLoad(&labels[i]);
}
