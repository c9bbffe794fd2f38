// One text, several kernels: producer, filter and consumer over the same buffers, each using some.
struct State { step: u32, total: u32 }
@group(0) @binding(0) var<storage, read_write> numbers: array<u32>;
@group(0) @binding(1) var<storage, read_write> squares: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: State;
@compute @workgroup_size(32) fn produce(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&numbers) { numbers[id.x] = id.x + state.step; }
}
@compute @workgroup_size(16, 2) fn square(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let at = group.x * 32 + i;
    if at < arrayLength(&numbers) { squares[at] = numbers[at] * numbers[at]; }
}
@compute @workgroup_size(1) fn consume() {
    for (var i = 0u; i < arrayLength(&squares); i++) { state.total += squares[i]; }
}
