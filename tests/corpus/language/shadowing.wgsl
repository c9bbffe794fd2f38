const n = 3;
var<private> x: i32 = 100;
fn f(x: i32) -> i32 {
    var n = n + x;
    {
        let n = n * 2;
        let x = n - x;
        if x > 4 {
            let x = -x;
            return x + n;
        }
    }
    n += 1;
    return n;
}
@group(0) @binding(0) var<storage, read_write> y: array<i32>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&y) { return; }
    let before = x;
    for (var x = 0; x < i32(id.x); x++) { y[id.x] += f(x); }
    let x = x + before;
    y[id.x] += x;
}
