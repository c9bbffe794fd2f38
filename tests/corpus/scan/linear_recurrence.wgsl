// y[i] = a[i] y[i - 1] + b[i], as a scan of affine maps.
var<workgroup> maps: array<vec2f, 64>;
@group(0) @binding(0) var<storage, read> coefficients: array<vec2f, 64>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, 64>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
    maps[i] = coefficients[i];
    for (var step = 1u; step < 64; step <<= 1) {
        workgroupBarrier();
        var own = maps[i];
        if i >= step {
            let before = maps[i - step];
            own = vec2f(own.x * before.x, own.x * before.y + own.y);
        }
        workgroupBarrier();
        maps[i] = own;
    }
    y[i] = maps[i].y;
}
