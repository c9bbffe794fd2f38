// Merges two sorted arrays: each thread finds its diagonal by binary search.
@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> c: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    let na = arrayLength(&a);
    let nb = arrayLength(&b);
    let k = id.x;
    if k >= na + nb { return; }
    var low = max(k, nb) - nb;
    var high = min(k, na);
    while low < high {
        let i = (low + high) / 2;
        if a[i] <= b[k - i - 1] { low = i + 1; } else { high = i; }
    }
    let j = k - low;
    c[k] = select(b[min(j, nb - 1)], a[min(low, na - 1)], j >= nb || (low < na && a[low] <= b[j]));
}
