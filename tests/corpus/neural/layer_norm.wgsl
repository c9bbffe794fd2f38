const COLUMNS = 48u;
const EPSILON = 1e-5;
@group(0) @binding(0) var<storage, read_write> x: array<array<f32, COLUMNS>>;
@group(0) @binding(1) var<storage, read> scale: array<f32, COLUMNS>;
@group(0) @binding(2) var<storage, read> shift: array<f32, COLUMNS>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let row = &x[id.x];
    var mean = 0.0;
    for (var i = 0u; i < COLUMNS; i++) { mean += (*row)[i]; }
    mean /= f32(COLUMNS);
    var variance = 0.0;
    for (var i = 0u; i < COLUMNS; i++) { variance += pow(abs((*row)[i] - mean), 2.0); }
    let factor = inverseSqrt(variance / f32(COLUMNS) + EPSILON);
    for (var i = 0u; i < COLUMNS; i++) { (*row)[i] = ((*row)[i] - mean) * factor * scale[i] + shift[i]; }
}
