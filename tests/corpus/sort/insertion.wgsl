// Rows of 16, each sorted by one thread in private memory.
@group(0) @binding(0) var<storage, read_write> rows: array<array<f32, 16>>;
fn sort(row: ptr<function, array<f32, 16>>) {
    for (var i = 1; i < 16; i++) {
        let key = (*row)[i];
        var j = i - 1;
        loop {
            if j < 0 { break; }
            if (*row)[j] <= key { break; }
            (*row)[j + 1] = (*row)[j];
            continuing { j--; }
        }
        (*row)[j + 1] = key;
    }
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&rows) { return; }
    var row = rows[id.x];
    sort(&row);
    rows[id.x] = row;
}
