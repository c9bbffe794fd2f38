var<workgroup> partial: array<f32, 32>;
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> result: f32;
@compute @workgroup_size(32) fn main(@builtin(local_invocation_index) local: u32) {
    var sum = vec4f();
    for (var i = local; i < arrayLength(&a); i += 32u) { sum = fma(a[i], b[i], sum); }
    partial[local] = dot(sum, vec4f(1));
    workgroupBarrier();
    if local == 0 {
        var total = 0f;
        for (var i = 0; i < 32; i++) { total += partial[i]; }
        result = total;
    }
}
