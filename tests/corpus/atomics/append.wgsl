// Finds the multiples of seven and appends them, in any order.
struct List { count: atomic<u32>, items: array<u32> }
@group(0) @binding(0) var<storage, read_write> list: List;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x % 7 == 0 {
        let at = atomicAdd(&list.count, 1u);
        if at < arrayLength(&list.items) { list.items[at] = id.x; }
    }
}
