//! The library's own kernels, which copy and fill.

use super::program::Program;
use crate::runtime::base::lock::{Lock, rank};
use std::sync::Arc;

/// Copies whole vectors. The kernel checks its own bounds.
pub(crate) const COPY: &str = "@group(0) @binding(0) var<storage, read> src: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<u32>>;
@compute @workgroup_size(256) fn avx_gpu_copy(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32) {
    let i = (group.y * groups.x + group.x) * 256u + local;
    if (i < arrayLength(&dst)) { dst[i] = src[i]; }
}";

/// Fills whole vectors with a pattern. The kernel checks its own bounds.
pub(crate) const FILL: &str = "var<immediate> pattern: vec4<u32>;
@group(0) @binding(0) var<storage, read_write> dst: array<vec4<u32>>;
@compute @workgroup_size(256) fn avx_gpu_fill(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32) {
    let i = (group.y * groups.x + group.x) * 256u + local;
    if (i < arrayLength(&dst)) { dst[i] = pattern; }
}";

/// The library's own kernels, each made when it is first needed.
#[derive(Default)]
pub(crate) struct OwnKernels {
    pub(crate) copy: Lock<Option<Arc<Program>>, { rank::OWN_KERNELS }>,
    pub(crate) fill: Lock<Option<Arc<Program>>, { rank::OWN_KERNELS }>,
}
