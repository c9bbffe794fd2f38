//! The kernels. The library, wgpu and (through naga) the hand-written Vulkan run the same WGSL text, so that only the way of
//! running the kernels differs.

/// One step of a linear congruence on 64 numbers. The kernel does almost no work, but its result depends on the number of runs.
pub const STEP: &str = "\
@group(0) @binding(0) var<storage, read_write> numbers: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    numbers[id.x] = numbers[id.x] * 1664525u + 1013904223u;
}
";

/// c = a + b over 64 numbers: almost no work on three buffers.
pub const ADD3: &str = "\
@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> c: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    c[id.x] = a[id.x] + b[id.x];
}
";

/// One workgroup that computes for a while on 256 numbers. It stands for a grid that is too small to fill the GPU.
pub const BUSY: &str = "\
@group(0) @binding(0) var<storage, read_write> numbers: array<u32>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var x = numbers[id.x];
    for (var i = 0u; i < 4096u; i++) { x = x * 1664525u + 1013904223u; }
    numbers[id.x] = x;
}
";

/// The number of runs of [`STEP`] that one run of [`BUSY`] is equal to.
pub const BUSY_STEPS: usize = 4096;

/// A vector kernel over `array<vec4<f32>>`. The kernel accepts a flat or a folded grid, so that no side of the grid exceeds 65535
/// workgroups.
fn vec4_kernel(bindings: &str, body: &str) -> String {
    format!(
        "{bindings}
@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {{
    let i = (group.y * groups.x + group.x) * 256u + local;
    {body}
}}
"
    )
}

const TWO: &str = "\
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> b: array<vec4<f32>>;";

/// b = a.
pub fn copy() -> String {
    vec4_kernel(TWO, "b[i] = a[i];")
}

/// b = 2.5 a + b.
pub fn saxpy() -> String {
    vec4_kernel(TWO, "b[i] = 2.5 * a[i] + b[i];")
}

/// c = a + 2.5 b.
pub fn triad() -> String {
    let three = "\
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4<f32>>;";
    vec4_kernel(three, "c[i] = a[i] + 2.5 * b[i];")
}

/// The grid (x, y) of a vector kernel over `bytes`.
pub fn vec4_grid(bytes: usize) -> (u32, u32) {
    let groups = (bytes / 16 / 256) as u32;
    if groups > 65535 { (32768, groups / 32768) } else { (groups, 1) }
}

/// c = a * b for square matrices of side `n` (a multiple of 16), in tiles of 16 by 16 in workgroup memory.
pub fn gemm(n: usize) -> String {
    format!(
        "\
const N: u32 = {n}u;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
var<workgroup> left: array<f32, 256>;
var<workgroup> right: array<f32, 256>;
@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {{
    var sum = 0.0;
    for (var tile = 0u; tile < N; tile += 16u) {{
        left[local.y * 16u + local.x] = a[id.y * N + tile + local.x];
        right[local.y * 16u + local.x] = b[(tile + local.y) * N + id.x];
        workgroupBarrier();
        for (var k = 0u; k < 16u; k++) {{
            sum += left[local.y * 16u + k] * right[k * 16u + local.x];
        }}
        workgroupBarrier();
    }}
    c[id.y * N + id.x] = sum;
}}
"
    )
}
