//! The SPIR-V that an open device accepts: the newest version, and the capabilities that a compute shader may declare. The capabilities
//! follow the table in the Vulkan specification's appendix on the SPIR-V environment.

use super::features::Features;
use ash::vk;
use rspirv::spirv::Capability;

/// The numbers of the SPIR-V capabilities that a compute shader may use if `features` are enabled, in ascending order.
pub(crate) fn spirv_capabilities(features: &Features) -> Vec<u32> {
    use Capability as C;
    let f = features;
    // Vulkan 1.1 requires no feature for these. Capabilities of other stages and of sparse resources are left out.
    let mut list = vec![
        C::Matrix,
        C::Shader,
        C::InputAttachment,
        C::Sampled1D,
        C::Image1D,
        C::SampledBuffer,
        C::ImageBuffer,
        C::ImageQuery,
        C::DerivativeControl,
        C::DeviceGroup,
    ];
    let optional: &[(bool, &[Capability])] = &[
        (f.shader_int64, &[C::Int64]),
        (f.shader_int16, &[C::Int16]),
        (f.shader_float64, &[C::Float64]),
        (f.shader_int8, &[C::Int8]),
        (f.shader_float16, &[C::Float16]),
        (f.shader_image_gather_extended, &[C::ImageGatherExtended]),
        (f.shader_storage_image_extended_formats, &[C::StorageImageExtendedFormats]),
        (f.shader_storage_image_read_without_format, &[C::StorageImageReadWithoutFormat]),
        (f.shader_storage_image_write_without_format, &[C::StorageImageWriteWithoutFormat]),
        (f.shader_uniform_buffer_array_dynamic_indexing, &[C::UniformBufferArrayDynamicIndexing]),
        (f.shader_sampled_image_array_dynamic_indexing, &[C::SampledImageArrayDynamicIndexing]),
        (f.shader_storage_buffer_array_dynamic_indexing, &[C::StorageBufferArrayDynamicIndexing]),
        (f.shader_storage_image_array_dynamic_indexing, &[C::StorageImageArrayDynamicIndexing]),
        (f.storage_buffer_16, &[C::StorageBuffer16BitAccess]),
        (f.uniform_buffer_16, &[C::UniformAndStorageBuffer16BitAccess]),
        (f.push_constant_16, &[C::StoragePushConstant16]),
        (f.storage_buffer_8, &[C::StorageBuffer8BitAccess]),
        (f.uniform_buffer_8, &[C::UniformAndStorageBuffer8BitAccess]),
        (f.push_constant_8, &[C::StoragePushConstant8]),
        (f.variable_pointers_storage_buffer, &[C::VariablePointersStorageBuffer]),
        (f.variable_pointers, &[C::VariablePointers]),
        (f.buffer_int64_atomics || f.workgroup_int64_atomics, &[C::Int64Atomics]),
        (f.buffer_float16_atomic_add || f.workgroup_float16_atomic_add, &[C::AtomicFloat16AddEXT]),
        (f.buffer_float32_atomic_add || f.workgroup_float32_atomic_add, &[C::AtomicFloat32AddEXT]),
        (f.buffer_float64_atomic_add || f.workgroup_float64_atomic_add, &[C::AtomicFloat64AddEXT]),
        (f.buffer_float16_atomic_min_max || f.workgroup_float16_atomic_min_max, &[C::AtomicFloat16MinMaxEXT]),
        (f.buffer_float32_atomic_min_max || f.workgroup_float32_atomic_min_max, &[C::AtomicFloat32MinMaxEXT]),
        (f.buffer_float64_atomic_min_max || f.workgroup_float64_atomic_min_max, &[C::AtomicFloat64MinMaxEXT]),
        (f.subgroup_basic, &[C::GroupNonUniform]),
        (f.subgroup_vote, &[C::GroupNonUniformVote]),
        (f.subgroup_arithmetic, &[C::GroupNonUniformArithmetic]),
        (f.subgroup_ballot, &[C::GroupNonUniformBallot]),
        (f.subgroup_shuffle, &[C::GroupNonUniformShuffle]),
        (f.subgroup_shuffle_relative, &[C::GroupNonUniformShuffleRelative]),
        (f.subgroup_clustered, &[C::GroupNonUniformClustered]),
        (f.subgroup_quad, &[C::GroupNonUniformQuad]),
        (f.subgroup_rotate, &[C::GroupNonUniformRotateKHR]),
        (f.vulkan_memory_model, &[C::VulkanMemoryModel]),
        (f.vulkan_memory_model_device_scope, &[C::VulkanMemoryModelDeviceScope]),
        (f.buffer_device_address, &[C::PhysicalStorageBufferAddresses]),
        (f.denorm_preserve, &[C::DenormPreserve]),
        (f.denorm_flush_to_zero, &[C::DenormFlushToZero]),
        (f.signed_zero_inf_nan_preserve, &[C::SignedZeroInfNanPreserve]),
        (f.rounding_mode_rte, &[C::RoundingModeRTE]),
        (f.rounding_mode_rtz, &[C::RoundingModeRTZ]),
        (f.float_controls_2, &[C::FloatControls2]),
        (f.runtime_descriptor_array, &[C::RuntimeDescriptorArray]),
        (non_uniform(f), &[C::ShaderNonUniform]),
        (f.uniform_texel_buffer_array_dynamic_indexing, &[C::UniformTexelBufferArrayDynamicIndexing]),
        (f.storage_texel_buffer_array_dynamic_indexing, &[C::StorageTexelBufferArrayDynamicIndexing]),
        (f.uniform_buffer_array_non_uniform_indexing, &[C::UniformBufferArrayNonUniformIndexing]),
        (f.storage_buffer_array_non_uniform_indexing, &[C::StorageBufferArrayNonUniformIndexing]),
        (f.sampled_image_array_non_uniform_indexing, &[C::SampledImageArrayNonUniformIndexing]),
        (f.storage_image_array_non_uniform_indexing, &[C::StorageImageArrayNonUniformIndexing]),
        (f.uniform_texel_buffer_array_non_uniform_indexing, &[C::UniformTexelBufferArrayNonUniformIndexing]),
        (f.storage_texel_buffer_array_non_uniform_indexing, &[C::StorageTexelBufferArrayNonUniformIndexing]),
        (f.integer_dot_product, &[C::DotProduct, C::DotProductInputAll, C::DotProductInput4x8Bit, C::DotProductInput4x8BitPacked]),
        (f.workgroup_memory_explicit_layout, &[C::WorkgroupMemoryExplicitLayoutKHR]),
        (f.workgroup_memory_explicit_layout_8, &[C::WorkgroupMemoryExplicitLayout8BitAccessKHR]),
        (f.workgroup_memory_explicit_layout_16, &[C::WorkgroupMemoryExplicitLayout16BitAccessKHR]),
        (f.cooperative_matrix, &[C::CooperativeMatrixKHR]),
        (f.bfloat16_type, &[C::BFloat16TypeKHR]),
        (f.bfloat16_dot_product, &[C::BFloat16DotProductKHR]),
        (f.bfloat16_cooperative_matrix, &[C::BFloat16CooperativeMatrixKHR]),
        (f.expect_assume, &[C::ExpectAssumeKHR]),
    ];
    list.extend(optional.iter().filter(|(on, _)| *on).flat_map(|(_, capabilities)| *capabilities));
    let mut numbers: Vec<u32> = list.into_iter().map(|capability| capability as u32).collect();
    numbers.sort_unstable();
    numbers
}

/// Whether some resource may be indexed by a value that is not uniform. Otherwise ShaderNonUniform has no use.
fn non_uniform(f: &Features) -> bool {
    f.uniform_buffer_array_non_uniform_indexing
        || f.storage_buffer_array_non_uniform_indexing
        || f.sampled_image_array_non_uniform_indexing
        || f.storage_image_array_non_uniform_indexing
        || f.uniform_texel_buffer_array_non_uniform_indexing
        || f.storage_texel_buffer_array_non_uniform_indexing
}

/// The newest SPIR-V version, (major, minor), that a device of this Vulkan version accepts.
pub(crate) fn spirv_version(api_version: u32) -> (u8, u8) {
    match (vk::api_version_major(api_version), vk::api_version_minor(api_version)) {
        (0, _) | (1, 0) => (1, 0),
        (1, 1) => (1, 3),
        (1, 2) => (1, 5),
        _ => (1, 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baseline_is_plain_shaders() {
        let list = spirv_capabilities(&Features::default());
        assert!(list.contains(&(Capability::Shader as u32)));
        assert!(list.is_sorted());
        for capability in [Capability::Int64, Capability::GroupNonUniform, Capability::Float16, Capability::Kernel, Capability::Geometry] {
            assert!(!list.contains(&(capability as u32)), "{capability:?}");
        }
    }

    #[test]
    fn features_bring_their_capabilities() {
        let features = Features {
            shader_int64: true,
            workgroup_int64_atomics: true,
            integer_dot_product: true,
            storage_image_array_non_uniform_indexing: true,
            bfloat16_type: true,
            ..Features::default()
        };
        let list = spirv_capabilities(&features);
        for number in [11, 12, 6016, 6017, 6018, 6019, 5301, 5309, 5116] {
            assert!(list.contains(&number), "{number}");
        }
        assert!(!list.contains(&(Capability::StorageBufferArrayNonUniformIndexing as u32)));
    }

    #[test]
    fn spirv_follows_vulkan() {
        let version = |minor| spirv_version(vk::make_api_version(0, 1, minor, 7));
        assert_eq!([0, 1, 2, 3, 4, 9].map(version), [(1, 0), (1, 3), (1, 5), (1, 6), (1, 6), (1, 6)]);
        assert_eq!(spirv_version(vk::make_api_version(0, 2, 0, 0)), (1, 6));
    }
}
