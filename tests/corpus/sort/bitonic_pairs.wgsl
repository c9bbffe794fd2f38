// One exchange of the whole array a dispatch; values travel with their keys.
struct Step { size: u32, stride: u32 }
var<immediate> step: Step;
@group(0) @binding(0) var<storage, read_write> pairs: array<vec2u>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    let i = id.x;
    let other = i ^ step.stride;
    if other <= i || other >= arrayLength(&pairs) { return; }
    let a = pairs[i];
    let b = pairs[other];
    if (a.x > b.x) == ((i & step.size) == 0) {
        pairs[i] = b;
        pairs[other] = a;
    }
}
