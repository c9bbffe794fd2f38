// Any length: scan blocks, scan their sums, add. Three entry points, one text.
const BLOCK = 64u;
var<workgroup> a: array<u32, BLOCK>;
@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
fn scan_shared(i: u32) {
    for (var step = 1u; step < BLOCK; step *= 2) {
        workgroupBarrier();
        let add = select(0u, a[max(i, step) - step], i >= step);
        workgroupBarrier();
        a[i] += add;
    }
    workgroupBarrier();
}
@compute @workgroup_size(BLOCK)
fn blocks(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u) {
    a[i] = select(0u, x[id.x], id.x < arrayLength(&x));
    scan_shared(i);
    if id.x < arrayLength(&x) { x[id.x] = a[i]; }
    if i == BLOCK - 1 { sums[group.x] = a[i]; }
}
@compute @workgroup_size(BLOCK)
fn of_sums(@builtin(local_invocation_index) i: u32) {
    a[i] = select(0u, sums[i], i < arrayLength(&sums));
    scan_shared(i);
    if i < arrayLength(&sums) { sums[i] = a[i]; }
}
@compute @workgroup_size(BLOCK)
fn add(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
    if group.x > 0 && id.x < arrayLength(&x) { x[id.x] += sums[group.x - 1]; }
}
