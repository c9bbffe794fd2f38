// Everyone draws a number; all numbers are drawn once.
@group(0) @binding(0) var<storage, read_write> next: atomic<u32>;
@group(0) @binding(1) var<storage, read_write> drawn: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&drawn) { drawn[id.x] = atomicAdd(&next, 1u); }
}
