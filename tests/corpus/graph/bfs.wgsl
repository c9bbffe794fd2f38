// One level: the frontier's neighbours that nobody has reached get the next level and enter the next frontier.
struct Queue { count: atomic<u32>, items: array<u32> }
@group(0) @binding(0) var<storage, read> starts: array<u32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> levels: array<atomic<i32>>;
@group(0) @binding(3) var<storage, read> frontier: array<u32>;
@group(0) @binding(4) var<storage, read_write> next: Queue;
var<immediate> level: i32;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&frontier) { return; }
    let node = frontier[id.x];
    for (var edge = starts[node]; edge < starts[node + 1]; edge++) {
        let neighbour = targets[edge];
        loop {
            let seen = atomicCompareExchangeWeak(&levels[neighbour], -1, level);
            if seen.exchanged { next.items[atomicAdd(&next.count, 1u)] = neighbour; }
            if seen.exchanged || seen.old_value != -1 { break; }
        }
    }
}
