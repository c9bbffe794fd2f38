struct Pair { a: i32, b: array<i32, 3> }
var<private> calls: i32;
fn swap(a: ptr<function, i32>, b: ptr<function, i32>) {
    let kept = *a;
    *a = *b;
    *b = kept;
    bump(&calls);
}
fn bump(counter: ptr<private, i32>) { *counter += 1; }
fn sum(pair: ptr<function, Pair>) -> i32 {
    let b = &(*pair).b;
    var sum = pair.a;
    for (var i = 0; i < 3; i++) { sum += (*b)[i]; }
    (*b)[1] = -sum;
    return sum;
}
@group(0) @binding(0) var<storage, read_write> x: array<vec4i>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    var first = x[id.x].x;
    var second = x[id.x].y;
    swap(&first, &second);
    var pair = Pair(first, array<i32, 3>(second, x[id.x].z, x[id.x].w));
    let total = sum(&pair);
    let element = &x[id.x];
    *element = vec4i(total, pair.b[1], first - second, calls);
}
