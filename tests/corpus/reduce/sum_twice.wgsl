// The same entry point reduces the values, then the partial sums; override constants choose the shape.
override WIDTH: u32 = 32;
override PER_THREAD: u32 = 4;
override CHUNK = WIDTH * PER_THREAD;
var<workgroup> partial: array<u32, WIDTH>;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@group(0) @binding(2) var<storage, read_write> total: u32;
fn tree(value: u32, local: u32) -> u32 {
    partial[local] = value;
    workgroupBarrier();
    for (var half = WIDTH / 2; half > 0; half /= 2) {
        if local < half { partial[local] += partial[local + half]; }
        workgroupBarrier();
    }
    return partial[0];
}
@compute @workgroup_size(WIDTH)
fn blocks(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u) {
    var sum = 0u;
    for (var i = 0u; i < PER_THREAD; i++) {
        let at = group.x * CHUNK + i * WIDTH + local;
        if at < arrayLength(&x) { sum += x[at]; }
    }
    let whole = tree(sum, local);
    if local == 0 { sums[group.x] = whole; }
}
@compute @workgroup_size(WIDTH)
fn finish(@builtin(local_invocation_index) local: u32) {
    var sum = 0u;
    for (var at = local; at < arrayLength(&sums); at += WIDTH) { sum += sums[at]; }
    let whole = tree(sum, local);
    if local == 0 { total = whole; }
}
