@group(0) @binding(0) var<storage, read> op: array<vec3i>;
@group(0) @binding(1) var<storage, read_write> r: array<i32>;
const PLUS = 0;
fn calculate(op: i32, a: i32, b: i32) -> i32 {
    switch op {
        case PLUS { return a + b; }
        case 1, 2: {
            if op == 2 { break; }
            return a - b;
        }
        case 3, default { return a * b; }
        case -1: { }
        case 0x7f { return a ^ b; }
    }
    return -op;
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&op) { r[id.x] = calculate(op[id.x].x, op[id.x].y, op[id.x].z); }
}
