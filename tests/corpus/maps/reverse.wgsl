@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    let n = arrayLength(&x);
    if id.x >= n / 2 { return; }
    let other = n - 1 - id.x;
    let kept = x[id.x];
    x[id.x] = x[other];
    x[other] = kept;
}
