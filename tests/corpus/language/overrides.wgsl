override SCALE: f32 = 2.5;
@id(7) override COUNT: u32 = 5;
override TWICE = COUNT * 2;
override ON: bool = true;
override LOW: i32 = -3;
override UNUSED: f32 = SCALE / 3.0;
var<workgroup> shared_values: array<f32, TWICE>;
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(TWICE, 1, 1) fn main(@builtin(local_invocation_index) i: u32) {
    shared_values[i] = f32(i) * SCALE;
    workgroupBarrier();
    if ON { y[i] = shared_values[TWICE - 1 - i] + f32(LOW); }
}
