struct Slot { key: u32, value: vec3f, used: atomic<u32> }
var<workgroup> slots: array<Slot, 16>;
var<workgroup> matrix: mat3x3f;
var<workgroup> flag: bool;
var<workgroup> limit: u32;
@group(0) @binding(0) var<storage, read_write> y: array<vec4f, 16>;
@compute @workgroup_size(16) fn main(@builtin(local_invocation_index) i: u32) {
    // All of it is zero at first.
    let clean = slots[i].key == 0 && all(slots[i].value == vec3f()) && atomicLoad(&slots[i].used) == 0 && !flag;
    workgroupBarrier();
    let slot = (i * 7) % 16;
    slots[slot].key = i;
    slots[slot].value = vec3f(f32(i));
    atomicStore(&slots[slot].used, 1 + i);
    if i < 3 { matrix[i] = vec3f(f32(i), 1, 2); }
    if i == 5 {
        flag = true;
        limit = 11;
    }
    workgroupBarrier();
    let until = workgroupUniformLoad(&limit);
    let ready = workgroupUniformLoad(&flag);
    if ready && i < until { y[i] = vec4f(matrix * slots[i].value, f32(atomicLoad(&slots[i].used)) + f32(clean) / 2); }
}
