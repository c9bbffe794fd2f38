var<workgroup> keys: array<u32, 256>;
@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u) {
    let base = group.x * 256;
    keys[i] = x[base + i];
    keys[i + 128] = x[base + i + 128];
    for (var size = 2u; size <= 256; size *= 2) {
        for (var stride = size / 2; stride > 0; stride /= 2) {
            workgroupBarrier();
            let low = 2 * i - (i & (stride - 1));
            let up = (low & size) == 0;
            if (keys[low] > keys[low + stride]) == up {
                let kept = keys[low];
                keys[low] = keys[low + stride];
                keys[low + stride] = kept;
            }
        }
    }
    workgroupBarrier();
    x[base + i] = keys[i];
    x[base + i + 128] = keys[i + 128];
}
