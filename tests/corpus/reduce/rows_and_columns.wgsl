struct Shape { rows: u32, columns: u32 }
@group(0) @binding(0) var<storage, read> m: array<f32>;
@group(0) @binding(1) var<uniform> shape: Shape;
@group(0) @binding(2) var<storage, read_write> by_row: array<f32>;
@group(0) @binding(3) var<storage, read_write> by_column: array<f32>;
@compute @workgroup_size(16) fn rows(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.rows { return; }
    var sum = 0.0;
    for (var i = 0u; i < shape.columns; i++) { sum += m[id.x * shape.columns + i]; }
    by_row[id.x] = sum;
}
@compute @workgroup_size(16) fn columns(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.columns { return; }
    var sum = 0.0;
    for (var i = 0u; i < shape.rows; i++) { sum += m[i * shape.columns + id.x]; }
    by_column[id.x] = sum;
}
