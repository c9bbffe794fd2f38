// Linked lists by bucket: the head is exchanged for the own number, the old head becomes the next.
struct Chains { heads: array<atomic<i32>, 8>, next: array<i32> }
@group(0) @binding(0) var<storage, read> bucket: array<u32>;
@group(0) @binding(1) var<storage, read_write> chains: Chains;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&bucket) { chains.next[id.x] = atomicExchange(&chains.heads[bucket[id.x]], i32(id.x)); }
}
