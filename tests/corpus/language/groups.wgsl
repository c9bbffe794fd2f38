struct Camera { origin: vec3f, scale: f32 }
@group(0) @binding(3) var<uniform> camera: Camera;
@group(1) @binding(0) var<storage, read> points: array<vec4f>;
@group(1) @binding(9) var<storage, read> offsets: array<u32>;
@group(3) @binding(2) var<storage, read_write> seen: array<vec4f>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&offsets) { return; }
    let p = points[offsets[id.x]];
    seen[id.x] = vec4f((p.xyz - camera.origin) * camera.scale, p.w);
}
