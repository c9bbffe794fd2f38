//! Kernels in two languages, WGSL and GLSL, with the same steps. The WGSL kernels show the cost of the library's checks. The GLSL
//! kernels show the code that another compiler generates for the same steps.

/// A kernel in WGSL and in GLSL.
pub struct Pair {
    /// Its name in the results.
    pub name: &'static str,
    /// Its WGSL text.
    pub wgsl: String,
    /// Its GLSL text.
    pub glsl: String,
}

/// c = a * b for square matrices of side `n` (a multiple of 16), in tiles of 16 by 16. The grid is n / 16 by n / 16.
pub fn tiled_product(n: usize) -> Pair {
    let glsl = format!(
        "#version 450
layout(local_size_x = 16, local_size_y = 16) in;
layout(std430, binding = 0) readonly buffer A {{ float a[]; }};
layout(std430, binding = 1) readonly buffer B {{ float b[]; }};
layout(std430, binding = 2) buffer C {{ float c[]; }};
shared float left[256];
shared float right[256];
const uint N = {n}u;
void main() {{
    uvec2 id = gl_GlobalInvocationID.xy, local = gl_LocalInvocationID.xy;
    float sum = 0.0;
    for (uint tile = 0u; tile < N; tile += 16u) {{
        left[local.y * 16u + local.x] = a[id.y * N + tile + local.x];
        right[local.y * 16u + local.x] = b[(tile + local.y) * N + id.x];
        barrier();
        for (uint k = 0u; k < 16u; k++) {{
            sum += left[local.y * 16u + k] * right[k * 16u + local.x];
        }}
        barrier();
    }}
    c[id.y * N + id.x] = sum;
}}
"
    );
    Pair { name: "product_16x16", wgsl: crate::kernels::gemm(n), glsl }
}

/// The same product in tiles of 128 by 128, where each invocation holds 8 by 8 elements in registers. The grid is n / 128 by n /
/// 128.
pub fn register_tiled_product(n: usize) -> Pair {
    let wgsl = format!(
        "\
const N: u32 = {n}u;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
var<workgroup> left: array<f32, 2048>;
var<workgroup> right: array<f32, 2048>;
@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {{
    let row = group.y * 128u;
    let column = group.x * 128u;
    var sums: array<f32, 64>;
    for (var tile = 0u; tile < N; tile += 16u) {{
        for (var l = 0u; l < 8u; l++) {{
            let e = index + l * 256u;
            left[(e & 15u) * 128u + (e >> 4u)] = a[(row + (e >> 4u)) * N + tile + (e & 15u)];
            right[e] = b[(tile + (e >> 7u)) * N + column + (e & 127u)];
        }}
        workgroupBarrier();
        for (var k = 0u; k < 16u; k++) {{
            var x: array<f32, 8>;
            var y: array<f32, 8>;
            for (var i = 0u; i < 8u; i++) {{
                x[i] = left[k * 128u + local.y * 8u + i];
                y[i] = right[k * 128u + local.x * 8u + i];
            }}
            for (var i = 0u; i < 8u; i++) {{
                for (var j = 0u; j < 8u; j++) {{
                    sums[i * 8u + j] += x[i] * y[j];
                }}
            }}
        }}
        workgroupBarrier();
    }}
    for (var i = 0u; i < 8u; i++) {{
        for (var j = 0u; j < 8u; j++) {{
            c[(row + local.y * 8u + i) * N + column + local.x * 8u + j] = sums[i * 8u + j];
        }}
    }}
}}
"
    );
    let glsl = format!(
        "#version 450
layout(local_size_x = 16, local_size_y = 16) in;
layout(std430, binding = 0) readonly buffer A {{ float a[]; }};
layout(std430, binding = 1) readonly buffer B {{ float b[]; }};
layout(std430, binding = 2) buffer C {{ float c[]; }};
shared float left[2048];
shared float right[2048];
const uint N = {n}u;
void main() {{
    uvec2 local = gl_LocalInvocationID.xy;
    uint index = gl_LocalInvocationIndex;
    uint row = gl_WorkGroupID.y * 128u, column = gl_WorkGroupID.x * 128u;
    float sums[64];
    for (uint i = 0u; i < 64u; i++) sums[i] = 0.0;
    for (uint tile = 0u; tile < N; tile += 16u) {{
        for (uint l = 0u; l < 8u; l++) {{
            uint e = index + l * 256u;
            left[(e & 15u) * 128u + (e >> 4u)] = a[(row + (e >> 4u)) * N + tile + (e & 15u)];
            right[e] = b[(tile + (e >> 7u)) * N + column + (e & 127u)];
        }}
        barrier();
        for (uint k = 0u; k < 16u; k++) {{
            float x[8];
            float y[8];
            for (uint i = 0u; i < 8u; i++) {{
                x[i] = left[k * 128u + local.y * 8u + i];
                y[i] = right[k * 128u + local.x * 8u + i];
            }}
            for (uint i = 0u; i < 8u; i++)
                for (uint j = 0u; j < 8u; j++)
                    sums[i * 8u + j] += x[i] * y[j];
        }}
        barrier();
    }}
    for (uint i = 0u; i < 8u; i++)
        for (uint j = 0u; j < 8u; j++)
            c[(row + local.y * 8u + i) * N + column + local.x * 8u + j] = sums[i * 8u + j];
}}
"
    );
    Pair { name: "product_128x128", wgsl, glsl }
}

/// The number of workgroups of [`sum`].
pub const SUM_GROUPS: u32 = 4096;

/// Partial sums of `a`, one for each workgroup of 256 invocations. The grid has [`SUM_GROUPS`] workgroups. `count` is the number of
/// vec4s.
pub fn sum(count: usize) -> Pair {
    let wgsl = format!(
        "\
const COUNT: u32 = {count}u;
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
var<workgroup> part: array<f32, 256>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {{
    var own = vec4(0.0);
    for (var i = group.x * 256u + local; i < COUNT; i += {SUM_GROUPS}u * 256u) {{ own += a[i]; }}
    part[local] = own.x + own.y + own.z + own.w;
    workgroupBarrier();
    for (var width = 128u; width > 0u; width >>= 1u) {{
        if local < width {{ part[local] += part[local + width]; }}
        workgroupBarrier();
    }}
    if local == 0u {{ sums[group.x] = part[0]; }}
}}
"
    );
    let glsl = format!(
        "#version 450
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer A {{ vec4 a[]; }};
layout(std430, binding = 1) buffer S {{ float sums[]; }};
shared float part[256];
void main() {{
    uint local = gl_LocalInvocationIndex;
    vec4 own = vec4(0.0);
    for (uint i = gl_WorkGroupID.x * 256u + local; i < {count}u; i += {SUM_GROUPS}u * 256u) own += a[i];
    part[local] = own.x + own.y + own.z + own.w;
    barrier();
    for (uint width = 128u; width > 0u; width >>= 1) {{
        if (local < width) part[local] += part[local + width];
        barrier();
    }}
    if (local == 0u) sums[gl_WorkGroupID.x] = part[0];
}}
"
    );
    Pair { name: "sum", wgsl, glsl }
}

/// b = 2.5 a + b over vec4s. The grid is [`crate::kernels::vec4_grid`].
pub fn saxpy() -> Pair {
    let glsl = "#version 450
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer A { vec4 a[]; };
layout(std430, binding = 1) buffer B { vec4 b[]; };
void main() {
    uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * 256u + gl_LocalInvocationIndex;
    b[i] = 2.5 * a[i] + b[i];
}
";
    Pair { name: "saxpy", wgsl: crate::kernels::saxpy(), glsl: glsl.to_owned() }
}
