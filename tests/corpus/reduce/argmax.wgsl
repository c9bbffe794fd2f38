struct Best { value: f32, at: u32 }
var<workgroup> best: array<Best, 64>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> winner: Best;
fn better(a: Best, b: Best) -> bool { return a.value > b.value || (a.value == b.value && a.at < b.at); }
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) local: u32) {
    var own = Best(-3.4e38, 0xFFFFFFFF);
    for (var i = local; i < arrayLength(&x); i += 64) {
        let other = Best(x[i], i);
        if better(other, own) { own = other; }
    }
    best[local] = own;
    workgroupBarrier();
    for (var half = 32u; half != 0; half >>= 1) {
        if local < half && better(best[local + half], best[local]) { best[local] = best[local + half]; }
        workgroupBarrier();
    }
    if local == 0 { winner = best[0]; }
}
