const SIDE = 4;
const AREA = SIDE * SIDE;
const HALF: f32 = AREA / 2.0;
const WEIGHTS = vec4f(1, 2, 3, 4) / 10;
const TABLE = array(array(1, 2), array(3, AREA), array(5, 6 << 2));
const MASK: u32 = ~(0xFFu << 8) & 0xFFFF;
const NEAR = sqrt(2.0) < 1.5 && abs(-3) == 3;
const_assert AREA == 16;
const_assert NEAR;
@group(0) @binding(0) var<storage, read_write> i: array<i32, AREA>;
@group(0) @binding(1) var<storage, read_write> f: array<f32, 4>;
@compute @workgroup_size(SIDE, SIDE) fn main(@builtin(local_invocation_index) at: u32) {
    const last = TABLE[2][1];
    i[at] = last * i32(at) + TABLE[1][1] + i32(MASK) + select(0, 1, NEAR) + i32(at % 2 + 3) * TABLE[at % 3][at / 8];
    if at < 4 { f[at] = WEIGHTS[at] * HALF + 0x1p-2 + 1e1f; }
}
