// Spreads the values of one image over all of the range: histogram, scan and map in one workgroup.
var<workgroup> bins: array<atomic<u32>, 64>;
var<workgroup> cumulated: array<u32, 64>;
@group(0) @binding(0) var<storage, read_write> pixels: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
    let n = arrayLength(&pixels);
    for (var at = i; at < n; at += 64) { atomicAdd(&bins[pixels[at]], 1u); }
    workgroupBarrier();
    cumulated[i] = atomicLoad(&bins[i]);
    for (var step = 1u; step < 64; step *= 2) {
        workgroupBarrier();
        var sum = cumulated[i];
        if i >= step { sum += cumulated[i - step]; }
        workgroupBarrier();
        cumulated[i] = sum;
    }
    workgroupBarrier();
    for (var at = i; at < n; at += 64) { pixels[at] = (cumulated[pixels[at]] * 63) / n; }
}
