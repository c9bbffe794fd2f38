var<workgroup> best: array<i32, 128>;
@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: atomic<i32>;
@compute @workgroup_size(128)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    best[local] = -2147483648;
    if id.x < arrayLength(&x) { best[local] = x[id.x]; }
    for (var half = 64u; half > 0; half >>= 1) {
        workgroupBarrier();
        if local < half { best[local] = max(best[local], best[local + half]); }
    }
    if local == 0 { atomicMax(&y, best[0]); }
}
