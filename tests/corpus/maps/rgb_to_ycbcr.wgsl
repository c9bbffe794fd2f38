const TO_YCBCR = mat3x3f(0.299, -0.168736, 0.5, 0.587, -0.331264, -0.418688, 0.114, 0.5, -0.081312);
@group(0) @binding(0) var<storage, read_write> pixels: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&pixels) {
        let p = pixels[id.x];
        pixels[id.x] = vec4f(TO_YCBCR * p.rgb + vec3f(0, 0.5, 0.5), p.a);
    }
}
