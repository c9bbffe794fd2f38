//! What compiling for a device needs of the device.

use super::args;
use super::compiler_threads::CompilerThreads;
use super::spirv_cache::SpirvCache;
use crate::compile;
use crate::runtime::base::log::DeviceLog;
use crate::runtime::schedule::staging;
use crate::vulkan::{self, PipelineCache};
use rspirv::spirv::Capability;
use std::sync::Arc;

/// See the module.
pub(crate) struct CompileContext {
    /// Takes the lines about the device.
    pub(crate) log: Arc<DeviceLog>,
    pub(crate) vulkan: Arc<vulkan::Device>,
    /// The number of the device among the visible devices.
    pub(crate) index: u32,
    pub(crate) target: compile::Target,
    pub(crate) limits: args::Limits,
    pub(crate) compilers: CompilerThreads,
    pub(crate) spirv_cache: Option<SpirvCache>,
    pub(crate) pipelines: PipelineCache,
}

/// What the compiler must know of an open device.
pub(crate) fn target(device: &vulkan::Device) -> compile::Target {
    let snapshot = device.snapshot();
    let limits = snapshot.limits();
    compile::Target {
        spirv_version: vulkan::spirv_version(device.api_version()),
        capabilities: vulkan::spirv_capabilities(device.features()).into_iter().filter_map(Capability::from_u32).collect(),
        native_zero_init: device.features().zero_initialize_workgroup_memory,
        max_workgroup_size: limits.max_compute_work_group_size,
        max_workgroup_invocations: limits.max_compute_work_group_invocations,
        max_shared_memory: limits.max_compute_shared_memory_size,
        max_push_constants: limits.max_push_constants_size,
        max_groups: limits.max_bound_descriptor_sets,
        max_storage_buffers: limits.max_per_stage_descriptor_storage_buffers,
        max_uniform_buffers: limits.max_per_stage_descriptor_uniform_buffers,
    }
}

/// The limits of an open device on what is bound.
pub(crate) fn limits(device: &vulkan::Device) -> args::Limits {
    let limits = device.snapshot().limits();
    args::Limits {
        storage_alignment: limits.min_storage_buffer_offset_alignment.max(4),
        uniform_alignment: limits.min_uniform_buffer_offset_alignment.max(4),
        max_storage_range: limits.max_storage_buffer_range.into(),
        max_uniform_range: limits.max_uniform_buffer_range.into(),
        max_uniform_bytes: u64::from(limits.max_uniform_buffer_range).min(staging::SMALL),
        max_groups: limits.max_compute_work_group_count,
    }
}
