//! The limits and features of a device, as far as compiling depends on them.

use rspirv::spirv::Capability;

/// The limits and features of a device.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The newest SPIR-V version that the device accepts: 1.3 with Vulkan 1.1, 1.5 with 1.2, 1.6 with 1.3 and later.
    pub(crate) spirv_version: (u8, u8),
    /// Every SPIR-V capability that the device accepts.
    pub(crate) capabilities: Vec<Capability>,
    /// The device can zero workgroup memory itself (`shaderZeroInitializeWorkgroupMemory`).
    pub(crate) native_zero_init: bool,
    /// The most invocations in a workgroup, for each dimension.
    pub(crate) max_workgroup_size: [u32; 3],
    /// The most invocations in a workgroup.
    pub(crate) max_workgroup_invocations: u32,
    /// The most bytes of workgroup memory.
    pub(crate) max_shared_memory: u32,
    /// The most bytes of push constants.
    pub(crate) max_push_constants: u32,
    /// The most groups (descriptor sets) of a kernel.
    pub(crate) max_groups: u32,
    /// The most storage buffers of a kernel.
    pub(crate) max_storage_buffers: u32,
    /// The most uniform buffers of a kernel.
    pub(crate) max_uniform_buffers: u32,
}
