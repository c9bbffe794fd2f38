// Sums that start again at each flag.
struct Item { value: f32, flag: u32 }
var<workgroup> items: array<Item, 64>;
@group(0) @binding(0) var<storage, read_write> data: array<Item, 64>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
    items[i] = data[i];
    for (var step = 1u; step < 64; step *= 2) {
        workgroupBarrier();
        var own = items[i];
        if i >= step {
            let other = items[i - step];
            if own.flag == 0 { own.value += other.value; }
            own.flag |= other.flag;
        }
        workgroupBarrier();
        items[i] = own;
    }
    data[i].value = items[i].value;
}
