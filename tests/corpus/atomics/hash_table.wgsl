// Open addressing: a slot is taken by exchanging EMPTY for the key.
const EMPTY = 0xFFFFFFFFu;
struct Slot { key: atomic<u32>, count: atomic<u32> }
@group(0) @binding(0) var<storage, read> keys: array<u32>;
@group(0) @binding(1) var<storage, read_write> table: array<Slot>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&keys) { return; }
    let key = keys[id.x];
    let size = arrayLength(&table);
    for (var at = key * 2654435761u % size; ; at = (at + 1) % size) {
        let taken = atomicCompareExchangeWeak(&table[at].key, EMPTY, key);
        if taken.exchanged || taken.old_value == key {
            atomicAdd(&table[at].count, 1u);
            break;
        }
        // Failed in vain: the same slot again.
        if taken.old_value == EMPTY { at = (at + size - 1) % size; }
    }
}
