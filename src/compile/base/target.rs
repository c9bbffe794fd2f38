//! What a device can take, as far as compiling needs to know.

use rspirv::spirv::Capability;

/// What a device can take.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The newest SPIR-V that it takes: 1.3 with Vulkan 1.1, 1.5 with 1.2, 1.6 with 1.3 and later.
    pub(crate) spirv_version: (u8, u8),
    /// Every SPIR-V capability that it accepts.
    pub(crate) capabilities: Vec<Capability>,
    /// It zeroes workgroup memory itself (`shaderZeroInitializeWorkgroupMemory`).
    pub(crate) native_zero_init: bool,
    /// The most invocations in a workgroup, by dimension.
    pub(crate) max_workgroup_size: [u32; 3],
    /// The most invocations in a workgroup.
    pub(crate) max_workgroup_invocations: u32,
    /// Bytes of workgroup memory.
    pub(crate) max_shared_memory: u32,
    /// Bytes of push constants.
    pub(crate) max_push_constants: u32,
    /// Groups (descriptor sets) of a kernel.
    pub(crate) max_groups: u32,
    /// Storage buffers of a kernel.
    pub(crate) max_storage_buffers: u32,
    /// Uniform buffers of a kernel.
    pub(crate) max_uniform_buffers: u32,
}
