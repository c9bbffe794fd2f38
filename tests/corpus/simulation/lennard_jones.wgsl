// Forces between all pairs within a cut-off, in a periodic box.
struct Box { side: f32, cut: f32 }
@group(0) @binding(0) var<storage, read> atoms: array<vec3f>;
@group(0) @binding(1) var<storage, read_write> forces: array<vec4f>;
@group(0) @binding(2) var<uniform> box: Box;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    let n = arrayLength(&atoms);
    if id.x >= n { return; }
    var force = vec3f();
    var energy = 0.0;
    for (var i = 0u; i < n; i++) {
        var d = atoms[id.x] - atoms[i];
        d -= box.side * round(d / box.side);
        let squared = dot(d, d);
        if i == id.x || squared > box.cut * box.cut { continue; }
        let s = 1 / max(squared, 0.5);
        let s3 = s * s * s;
        force += d * (24 * s3 * (2 * s3 - 1) * s);
        energy += 2 * s3 * (s3 - 1);
    }
    forces[id.x] = vec4f(force, energy);
}
