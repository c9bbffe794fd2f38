// Arrays and structs as values: passed, returned, copied, compared by parts.
struct Stats { low: f32, high: f32, order: array<u32, 4> }
fn sorted(v: array<f32, 4>) -> array<f32, 4> {
    var a = v;
    for (var i = 0; i < 3; i++) {
        for (var j = 0; j < 3 - i; j++) {
            if a[j] > a[j + 1] { let t = a[j]; a[j] = a[j + 1]; a[j + 1] = t; }
        }
    }
    return a;
}
fn stats(v: array<f32, 4>) -> Stats {
    let a = sorted(v);
    var s = Stats(a[0], a[3], array<u32, 4>());
    for (var i = 0u; i < 4; i++) {
        var kept = v;
        for (var j = 0u; j < 4; j++) { s.order[i] += u32(kept[j] < kept[i]); }
    }
    return s;
}
@group(0) @binding(0) var<storage, read> x: array<array<f32, 4>>;
@group(0) @binding(1) var<storage, read_write> y: array<Stats>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { y[id.x] = stats(x[id.x]); }
}
