// Keeps the even numbers in order.
var<workgroup> places: array<u32, 256>;
@group(0) @binding(0) var<storage, read> x: array<u32, 256>;
@group(0) @binding(1) var<storage, read_write> kept: array<u32>;
@group(0) @binding(2) var<storage, read_write> count: u32;
@compute @workgroup_size(256) fn main(@builtin(local_invocation_index) i: u32) {
    let keep = (x[i] & 1) == 0;
    places[i] = u32(keep);
    workgroupBarrier();
    for (var step = 1u; step < 256; step *= 2) {
        var sum = places[i];
        if i >= step { sum += places[i - step]; }
        workgroupBarrier();
        places[i] = sum;
        workgroupBarrier();
    }
    if keep { kept[places[i] - 1] = x[i]; }
    if i == 255 { count = places[i]; }
}
