// Sorts by four bits at a time: digits counted, scanned, scattered in order. One workgroup, eight passes.
const N = 256u;
const DIGITS = 16u;
var<workgroup> keys: array<u32, N>;
var<workgroup> counts: array<array<u32, 8>, DIGITS>;
var<workgroup> starts: array<array<u32, 8>, DIGITS>;
@group(0) @binding(0) var<storage, read_write> x: array<u32, N>;
@compute @workgroup_size(8) fn main(@builtin(local_invocation_index) lane: u32) {
    for (var i = lane; i < N; i += 8) { keys[i] = x[i]; }
    for (var shift = 0u; shift < 32; shift += 4) {
        for (var digit = 0u; digit < DIGITS; digit++) { counts[digit][lane] = 0; }
        workgroupBarrier();
        var own: array<u32, 32>;
        for (var i = 0u; i < 32; i++) {
            own[i] = keys[lane * 32 + i];
            counts[own[i] >> shift & 15][lane]++;
        }
        workgroupBarrier();
        if lane == 0 {
            var sum = 0u;
            for (var at = 0u; at < DIGITS * 8; at++) {
                starts[at / 8][at % 8] = sum;
                sum += counts[at / 8][at % 8];
            }
        }
        workgroupBarrier();
        for (var i = 0u; i < 32; i++) {
            let start = &starts[own[i] >> shift & 15][lane];
            keys[*start] = own[i];
            *start += 1;
        }
        workgroupBarrier();
    }
    for (var i = lane; i < N; i += 8) { x[i] = keys[i]; }
}
