//! Every optional feature that the library or its kernels can use, in one table. The query, the plain facts for other code, and the request
//! for device creation are all made from the table. All features that a device has are enabled; users need not ask for them.

mod available;

pub(crate) use available::Available;
use available::FeatureSource;

use ash::vk;
use std::ffi::CStr;

/// VkPhysicalDeviceShaderBfloat16FeaturesKHR, laid out as in the specification. It is newer than the bindings.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Bfloat16Features {
    s_type: vk::StructureType,
    p_next: *mut std::ffi::c_void,
    shader_bfloat16_type: vk::Bool32,
    shader_bfloat16_dot_product: vk::Bool32,
    shader_bfloat16_cooperative_matrix: vk::Bool32,
}

impl Default for Bfloat16Features {
    fn default() -> Bfloat16Features {
        Bfloat16Features {
            s_type: vk::StructureType::from_raw(1_000_141_000),
            p_next: std::ptr::null_mut(),
            shader_bfloat16_type: vk::FALSE,
            shader_bfloat16_dot_product: vk::FALSE,
            shader_bfloat16_cooperative_matrix: vk::FALSE,
        }
    }
}

// SAFETY: the struct starts with sType and pNext as every Vulkan struct does, its sType is that of the extension, and the specification
// lets it extend VkPhysicalDeviceFeatures2.
unsafe impl vk::ExtendsPhysicalDeviceFeatures2 for Bfloat16Features {}

const KHR_SHADER_BFLOAT16_NAME: &CStr = c"VK_KHR_shader_bfloat16";

/// Generates from the table below: `Features`; `Chain`, which holds the structs of Vulkan; and the functions that query, read, write and
/// link them.
macro_rules! features {
    (
        core { $($(#[$core_doc:meta])* $core:ident,)* }
        structs { $($member:ident: $vk:ty, $source:expr => { $($(#[$doc:meta])* $name:ident = $field:ident,)* })* }
        extensions { $($(#[$extension_doc:meta])* $extension:ident = $extension_source:expr,)* }
        properties { $($(#[$property_doc:meta])* $property:ident,)* }
    ) => {
        /// Optional features as plain facts. In a snapshot they are the features that the device has, in an open device those that are
        /// enabled.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Features {
            $($(#[$core_doc])* pub(crate) $core: bool,)*
            $($($(#[$doc])* pub(crate) $name: bool,)*)*
            $($(#[$extension_doc])* pub(crate) $extension: bool,)*
            $($(#[$property_doc])* pub(crate) $property: bool,)*
        }

        impl Features {
            /// All features.
            pub(crate) fn all() -> Features {
                Features { $($core: true,)* $($($name: true,)*)* $($extension: true,)* $($property: true,)* }
            }

            /// The name and value of each feature, in the order of the table.
            #[cfg(test)]
            pub(crate) fn named(&self) -> Vec<(&'static str, bool)> {
                vec![
                    $((stringify!($core), self.$core),)*
                    $($((stringify!($name), self.$name),)*)*
                    $((stringify!($extension), self.$extension),)*
                    $((stringify!($property), self.$property),)*
                ]
            }
        }

        /// The structs that pass the features between this layer and Vulkan.
        #[derive(Default)]
        struct Chain {
            core: vk::PhysicalDeviceFeatures,
            $($member: $vk,)*
        }

        impl Chain {
            /// Links the structs that the device knows, so that the driver fills them in.
            fn link_known<'a>(&'a mut self, available: &Available<'_>) -> vk::PhysicalDeviceFeatures2<'a> {
                let mut head = vk::PhysicalDeviceFeatures2::default();
                $(if $source.is_available(available) { head = head.push_next(&mut self.$member); })*
                head
            }

            /// Links the structs that enable a feature.
            fn link_wanted<'a>(&'a mut self, features: &Features) -> vk::PhysicalDeviceFeatures2<'a> {
                let mut head = vk::PhysicalDeviceFeatures2::default().features(self.core);
                $(if false $(|| features.$name)* { head = head.push_next(&mut self.$member); })*
                head
            }

            /// The features by the structs. Features that are only the presence of an extension come from `available`.
            fn read(&self, available: &Available<'_>) -> Features {
                Features {
                    $($core: self.core.$core == vk::TRUE,)*
                    $($($name: self.$member.$field == vk::TRUE,)*)*
                    $($extension: $extension_source.is_available(available),)*
                    $($property: false,)*
                }
            }

            /// The structs that enable `features`.
            fn write(features: &Features) -> Chain {
                let mut chain = Chain::default();
                $(chain.core.$core = features.$core.into();)*
                $($(chain.$member.$field = features.$name.into();)*)*
                chain
            }
        }

        /// The extensions that must be enabled for all features of the device.
        fn extensions_for(available: &Available<'_>) -> Vec<&'static CStr> {
            [$($source,)* $($extension_source,)*].iter().filter(|s| s.by_extension(available)).map(|s| s.extension).collect()
        }
    };
}

features! {
    core {
        /// 64-bit integers.
        shader_int64,
        /// 16-bit integers.
        shader_int16,
        /// 64-bit floats.
        shader_float64,
        /// Out-of-bounds accesses through descriptors are contained. It is only enabled together with `robust_buffer_access_2`, whose
        /// containment is exact.
        robust_buffer_access,
        /// OpImageGather with offsets.
        shader_image_gather_extended,
        /// All the formats of storage images.
        shader_storage_image_extended_formats,
        /// Reads of storage images without a format.
        shader_storage_image_read_without_format,
        /// Writes of storage images without a format.
        shader_storage_image_write_without_format,
        /// Arrays of uniform buffers indexed by uniform values.
        shader_uniform_buffer_array_dynamic_indexing,
        /// Arrays of sampled images indexed by uniform values.
        shader_sampled_image_array_dynamic_indexing,
        /// Arrays of storage buffers indexed by uniform values.
        shader_storage_buffer_array_dynamic_indexing,
        /// Arrays of storage images indexed by uniform values.
        shader_storage_image_array_dynamic_indexing,
    }
    structs {
        storage_16: vk::PhysicalDevice16BitStorageFeatures<'static>, FeatureSource::core_or(1, vk::KHR_16BIT_STORAGE_NAME) => {
            /// 16-bit values in storage buffers.
            storage_buffer_16 = storage_buffer16_bit_access,
            /// 16-bit values in uniform buffers.
            uniform_buffer_16 = uniform_and_storage_buffer16_bit_access,
            /// 16-bit values in push constants.
            push_constant_16 = storage_push_constant16,
        }
        storage_8: vk::PhysicalDevice8BitStorageFeatures<'static>, FeatureSource::core_or(2, vk::KHR_8BIT_STORAGE_NAME) => {
            /// 8-bit values in storage buffers.
            storage_buffer_8 = storage_buffer8_bit_access,
            /// 8-bit values in uniform buffers.
            uniform_buffer_8 = uniform_and_storage_buffer8_bit_access,
            /// 8-bit values in push constants.
            push_constant_8 = storage_push_constant8,
        }
        float16_int8: vk::PhysicalDeviceShaderFloat16Int8Features<'static>, FeatureSource::core_or(2, vk::KHR_SHADER_FLOAT16_INT8_NAME) => {
            /// Arithmetic on 16-bit floats.
            shader_float16 = shader_float16,
            /// Arithmetic on 8-bit integers.
            shader_int8 = shader_int8,
        }
        pointers: vk::PhysicalDeviceVariablePointersFeatures<'static>, FeatureSource::core_or(1, vk::KHR_VARIABLE_POINTERS_NAME) => {
            /// Pointers into one storage buffer as values.
            variable_pointers_storage_buffer = variable_pointers_storage_buffer,
            /// Pointers into storage buffers and workgroup memory as values.
            variable_pointers = variable_pointers,
        }
        atomic_int64: vk::PhysicalDeviceShaderAtomicInt64Features<'static>, FeatureSource::core_or(2, vk::KHR_SHADER_ATOMIC_INT64_NAME) => {
            /// Atomics on 64-bit integers in storage buffers.
            buffer_int64_atomics = shader_buffer_int64_atomics,
            /// Atomics on 64-bit integers in workgroup memory.
            workgroup_int64_atomics = shader_shared_int64_atomics,
        }
        atomic_float: vk::PhysicalDeviceShaderAtomicFloatFeaturesEXT<'static>, FeatureSource::extension(vk::EXT_SHADER_ATOMIC_FLOAT_NAME) => {
            /// Atomic load, store and exchange of f32 in storage buffers.
            buffer_float32_atomics = shader_buffer_float32_atomics,
            /// Atomic addition of f32 in storage buffers.
            buffer_float32_atomic_add = shader_buffer_float32_atomic_add,
            /// Atomic load, store and exchange of f64 in storage buffers.
            buffer_float64_atomics = shader_buffer_float64_atomics,
            /// Atomic addition of f64 in storage buffers.
            buffer_float64_atomic_add = shader_buffer_float64_atomic_add,
            /// Atomic load, store and exchange of f32 in workgroup memory.
            workgroup_float32_atomics = shader_shared_float32_atomics,
            /// Atomic addition of f32 in workgroup memory.
            workgroup_float32_atomic_add = shader_shared_float32_atomic_add,
            /// Atomic load, store and exchange of f64 in workgroup memory.
            workgroup_float64_atomics = shader_shared_float64_atomics,
            /// Atomic addition of f64 in workgroup memory.
            workgroup_float64_atomic_add = shader_shared_float64_atomic_add,
        }
        atomic_float_2: vk::PhysicalDeviceShaderAtomicFloat2FeaturesEXT<'static>, FeatureSource::extension(vk::EXT_SHADER_ATOMIC_FLOAT2_NAME) => {
            /// Atomic load, store and exchange of f16 in storage buffers.
            buffer_float16_atomics = shader_buffer_float16_atomics,
            /// Atomic addition of f16 in storage buffers.
            buffer_float16_atomic_add = shader_buffer_float16_atomic_add,
            /// Atomic minimum and maximum of f16 in storage buffers.
            buffer_float16_atomic_min_max = shader_buffer_float16_atomic_min_max,
            /// Atomic minimum and maximum of f32 in storage buffers.
            buffer_float32_atomic_min_max = shader_buffer_float32_atomic_min_max,
            /// Atomic minimum and maximum of f64 in storage buffers.
            buffer_float64_atomic_min_max = shader_buffer_float64_atomic_min_max,
            /// Atomic load, store and exchange of f16 in workgroup memory.
            workgroup_float16_atomics = shader_shared_float16_atomics,
            /// Atomic addition of f16 in workgroup memory.
            workgroup_float16_atomic_add = shader_shared_float16_atomic_add,
            /// Atomic minimum and maximum of f16 in workgroup memory.
            workgroup_float16_atomic_min_max = shader_shared_float16_atomic_min_max,
            /// Atomic minimum and maximum of f32 in workgroup memory.
            workgroup_float32_atomic_min_max = shader_shared_float32_atomic_min_max,
            /// Atomic minimum and maximum of f64 in workgroup memory.
            workgroup_float64_atomic_min_max = shader_shared_float64_atomic_min_max,
        }
        subgroup_types: vk::PhysicalDeviceShaderSubgroupExtendedTypesFeatures<'static>,
            FeatureSource::core_or(2, vk::KHR_SHADER_SUBGROUP_EXTENDED_TYPES_NAME) => {
            /// Subgroup operations on 8-, 16- and 64-bit integers and on f16.
            subgroup_extended_types = shader_subgroup_extended_types,
        }
        subgroup_size: vk::PhysicalDeviceSubgroupSizeControlFeatures<'static>, FeatureSource::core_or(3, vk::EXT_SUBGROUP_SIZE_CONTROL_NAME) => {
            /// The subgroup size of a pipeline can be fixed.
            subgroup_size_control = subgroup_size_control,
            /// Full subgroups can be asked for.
            compute_full_subgroups = compute_full_subgroups,
        }
        subgroup_flow: vk::PhysicalDeviceShaderSubgroupUniformControlFlowFeaturesKHR<'static>,
            FeatureSource::extension(vk::KHR_SHADER_SUBGROUP_UNIFORM_CONTROL_FLOW_NAME) => {
            /// Subgroups reconverge where their control flow is uniform.
            subgroup_uniform_control_flow = shader_subgroup_uniform_control_flow,
        }
        reconvergence: vk::PhysicalDeviceShaderMaximalReconvergenceFeaturesKHR<'static>,
            FeatureSource::extension(vk::KHR_SHADER_MAXIMAL_RECONVERGENCE_NAME) => {
            /// Invocations reconverge as the source reads.
            maximal_reconvergence = shader_maximal_reconvergence,
        }
        rotate: vk::PhysicalDeviceShaderSubgroupRotateFeaturesKHR<'static>, FeatureSource::core_or(4, vk::KHR_SHADER_SUBGROUP_ROTATE_NAME) => {
            /// Rotation of values in a subgroup.
            subgroup_rotate = shader_subgroup_rotate,
            /// The same in clusters of a subgroup.
            subgroup_rotate_clustered = shader_subgroup_rotate_clustered,
        }
        timeline: vk::PhysicalDeviceTimelineSemaphoreFeatures<'static>, FeatureSource::core_or(2, vk::KHR_TIMELINE_SEMAPHORE_NAME) => {
            /// Semaphores that count.
            timeline_semaphore = timeline_semaphore,
        }
        sync_2: vk::PhysicalDeviceSynchronization2Features<'static>, FeatureSource::core_or(3, vk::KHR_SYNCHRONIZATION2_NAME) => {
            /// The second form of barriers and submissions.
            synchronization2 = synchronization2,
        }
        address: vk::PhysicalDeviceBufferDeviceAddressFeatures<'static>, FeatureSource::core_or(2, vk::KHR_BUFFER_DEVICE_ADDRESS_NAME) => {
            /// Raw addresses of buffers in kernels.
            buffer_device_address = buffer_device_address,
        }
        scalar: vk::PhysicalDeviceScalarBlockLayoutFeatures<'static>, FeatureSource::core_or(2, vk::EXT_SCALAR_BLOCK_LAYOUT_NAME) => {
            /// Blocks laid out by the alignment of scalars.
            scalar_block_layout = scalar_block_layout,
        }
        uniform_layout: vk::PhysicalDeviceUniformBufferStandardLayoutFeatures<'static>,
            FeatureSource::core_or(2, vk::KHR_UNIFORM_BUFFER_STANDARD_LAYOUT_NAME) => {
            /// Uniform blocks laid out as storage blocks.
            uniform_buffer_standard_layout = uniform_buffer_standard_layout,
        }
        memory_model: vk::PhysicalDeviceVulkanMemoryModelFeatures<'static>, FeatureSource::core_or(2, vk::KHR_VULKAN_MEMORY_MODEL_NAME) => {
            /// The Vulkan memory model.
            vulkan_memory_model = vulkan_memory_model,
            /// Its device scope.
            vulkan_memory_model_device_scope = vulkan_memory_model_device_scope,
            /// Its chains of availability and visibility operations.
            vulkan_memory_model_chains = vulkan_memory_model_availability_visibility_chains,
        }
        zero_initialize: vk::PhysicalDeviceZeroInitializeWorkgroupMemoryFeatures<'static>,
            FeatureSource::core_or(3, vk::KHR_ZERO_INITIALIZE_WORKGROUP_MEMORY_NAME) => {
            /// Workgroup variables may be initialized with zero. See `quirks` for drivers that implement it wrongly.
            zero_initialize_workgroup_memory = shader_zero_initialize_workgroup_memory,
        }
        dot_product: vk::PhysicalDeviceShaderIntegerDotProductFeatures<'static>,
            FeatureSource::core_or(3, vk::KHR_SHADER_INTEGER_DOT_PRODUCT_NAME) => {
            /// Dot products of integer vectors.
            integer_dot_product = shader_integer_dot_product,
        }
        robustness: vk::PhysicalDeviceRobustness2FeaturesEXT<'static>, FeatureSource::extension(vk::EXT_ROBUSTNESS2_NAME) => {
            /// Out-of-bounds accesses of a bound range neither read nor change anything outside it.
            robust_buffer_access_2 = robust_buffer_access2,
        }
        pipeline_robustness_choice: vk::PhysicalDevicePipelineRobustnessFeaturesEXT<'static>,
            FeatureSource::core_or(4, vk::EXT_PIPELINE_ROBUSTNESS_NAME) => {
            /// Robustness can be chosen for each pipeline.
            pipeline_robustness = pipeline_robustness,
        }
        maintenance_4: vk::PhysicalDeviceMaintenance4Features<'static>, FeatureSource::core_or(3, vk::KHR_MAINTENANCE4_NAME) => {
            /// LocalSizeId, and limits on the size of a buffer that can be read.
            maintenance4 = maintenance4,
        }
        maintenance_5: vk::PhysicalDeviceMaintenance5FeaturesKHR<'static>, FeatureSource::core_or(4, vk::KHR_MAINTENANCE5_NAME).since(3) => {
            /// Pipelines made straight from SPIR-V, 64 bits of usage flags.
            maintenance5 = maintenance5,
        }
        matrix: vk::PhysicalDeviceCooperativeMatrixFeaturesKHR<'static>, FeatureSource::extension(vk::KHR_COOPERATIVE_MATRIX_NAME) => {
            /// Matrices that a subgroup computes together.
            cooperative_matrix = cooperative_matrix,
            /// Their loads and stores are robust too.
            cooperative_matrix_robust_buffer_access = cooperative_matrix_robust_buffer_access,
        }
        bfloat16: Bfloat16Features, FeatureSource::extension(KHR_SHADER_BFLOAT16_NAME) => {
            /// The type bf16 with conversions.
            bfloat16_type = shader_bfloat16_type,
            /// Dot products of bf16.
            bfloat16_dot_product = shader_bfloat16_dot_product,
            /// Cooperative matrices of bf16.
            bfloat16_cooperative_matrix = shader_bfloat16_cooperative_matrix,
        }
        executable: vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR<'static>,
            FeatureSource::extension(vk::KHR_PIPELINE_EXECUTABLE_PROPERTIES_NAME) => {
            /// The driver reports facts about compiled pipelines, such as registers and spills.
            pipeline_executable_info = pipeline_executable_info,
        }
        query_reset: vk::PhysicalDeviceHostQueryResetFeatures<'static>, FeatureSource::core_or(2, vk::EXT_HOST_QUERY_RESET_NAME) => {
            /// The CPU may reset queries.
            host_query_reset = host_query_reset,
        }
        cache_control: vk::PhysicalDevicePipelineCreationCacheControlFeatures<'static>,
            FeatureSource::core_or(3, vk::EXT_PIPELINE_CREATION_CACHE_CONTROL_NAME) => {
            /// Pipeline creation can be told to fail rather than compile.
            pipeline_creation_cache_control = pipeline_creation_cache_control,
        }
        indexing: vk::PhysicalDeviceDescriptorIndexingFeatures<'static>, FeatureSource::core_or(2, vk::EXT_DESCRIPTOR_INDEXING_NAME) => {
            /// Arrays of uniform texel buffers indexed by uniform values.
            uniform_texel_buffer_array_dynamic_indexing = shader_uniform_texel_buffer_array_dynamic_indexing,
            /// Arrays of storage texel buffers indexed by uniform values.
            storage_texel_buffer_array_dynamic_indexing = shader_storage_texel_buffer_array_dynamic_indexing,
            /// Arrays of uniform buffers indexed by any value.
            uniform_buffer_array_non_uniform_indexing = shader_uniform_buffer_array_non_uniform_indexing,
            /// Arrays of storage buffers indexed by any value.
            storage_buffer_array_non_uniform_indexing = shader_storage_buffer_array_non_uniform_indexing,
            /// Arrays of sampled images indexed by any value.
            sampled_image_array_non_uniform_indexing = shader_sampled_image_array_non_uniform_indexing,
            /// Arrays of storage images indexed by any value.
            storage_image_array_non_uniform_indexing = shader_storage_image_array_non_uniform_indexing,
            /// Arrays of uniform texel buffers indexed by any value.
            uniform_texel_buffer_array_non_uniform_indexing = shader_uniform_texel_buffer_array_non_uniform_indexing,
            /// Arrays of storage texel buffers indexed by any value.
            storage_texel_buffer_array_non_uniform_indexing = shader_storage_texel_buffer_array_non_uniform_indexing,
            /// Descriptors that a kernel does not touch may be missing.
            descriptor_binding_partially_bound = descriptor_binding_partially_bound,
            /// The last binding's count is given with the descriptor set.
            descriptor_binding_variable_descriptor_count = descriptor_binding_variable_descriptor_count,
            /// Arrays of descriptors without a size.
            runtime_descriptor_array = runtime_descriptor_array,
        }
        workgroup_layout: vk::PhysicalDeviceWorkgroupMemoryExplicitLayoutFeaturesKHR<'static>,
            FeatureSource::extension(vk::KHR_WORKGROUP_MEMORY_EXPLICIT_LAYOUT_NAME) => {
            /// Workgroup variables as blocks with a layout, which may alias.
            workgroup_memory_explicit_layout = workgroup_memory_explicit_layout,
            /// The same in scalar layout.
            workgroup_memory_explicit_layout_scalar = workgroup_memory_explicit_layout_scalar_block_layout,
            /// The same with 8-bit values.
            workgroup_memory_explicit_layout_8 = workgroup_memory_explicit_layout8_bit_access,
            /// The same with 16-bit values.
            workgroup_memory_explicit_layout_16 = workgroup_memory_explicit_layout16_bit_access,
        }
        expect: vk::PhysicalDeviceShaderExpectAssumeFeaturesKHR<'static>, FeatureSource::core_or(4, vk::KHR_SHADER_EXPECT_ASSUME_NAME) => {
            /// Hints to the driver's optimizer.
            expect_assume = shader_expect_assume,
        }
        controls_2: vk::PhysicalDeviceShaderFloatControls2FeaturesKHR<'static>,
            FeatureSource::core_or(4, vk::KHR_SHADER_FLOAT_CONTROLS2_NAME) => {
            /// Fast-math flags on single instructions.
            float_controls_2 = shader_float_controls2,
        }
    }
    extensions {
        /// The properties for denormals and rounding are valid.
        float_controls = FeatureSource::core_or(2, vk::KHR_SHADER_FLOAT_CONTROLS_NAME),
        /// Instructions for tools in SPIR-V, such as debugPrintf.
        non_semantic_info = FeatureSource::core_or(3, vk::KHR_SHADER_NON_SEMANTIC_INFO_NAME),
        /// Descriptors written into the command buffer.
        push_descriptor = FeatureSource::extension(vk::KHR_PUSH_DESCRIPTOR_NAME),
        /// The driver reports how much memory is left.
        memory_budget = FeatureSource::extension(vk::EXT_MEMORY_BUDGET_NAME),
        /// Memory of the host can be used in place.
        external_memory_host = FeatureSource::extension(vk::EXT_EXTERNAL_MEMORY_HOST_NAME),
        /// Memory can be shared as a file descriptor.
        external_memory_fd = FeatureSource::extension(vk::KHR_EXTERNAL_MEMORY_FD_NAME),
        /// Times of GPU and CPU can be read together.
        calibrated_timestamps = FeatureSource::extension(vk::EXT_CALIBRATED_TIMESTAMPS_NAME),
    }
    properties {
        /// Subgroup elect and barrier in compute kernels.
        subgroup_basic,
        /// Subgroup any and all.
        subgroup_vote,
        /// Subgroup reductions and scans.
        subgroup_arithmetic,
        /// Subgroup ballot and broadcast.
        subgroup_ballot,
        /// Subgroup shuffle.
        subgroup_shuffle,
        /// Subgroup shuffle up and down.
        subgroup_shuffle_relative,
        /// Subgroup reductions in clusters.
        subgroup_clustered,
        /// Subgroup operations in fours.
        subgroup_quad,
        /// Denormals can be kept, in some width of float.
        denorm_preserve,
        /// Denormals can be flushed, in some width of float.
        denorm_flush_to_zero,
        /// Signed zeros, infinities and NaNs can be kept, in some width of float.
        signed_zero_inf_nan_preserve,
        /// Rounding to nearest even can be asked for, in some width of float.
        rounding_mode_rte,
        /// Rounding to zero can be asked for, in some width of float.
        rounding_mode_rtz,
    }
}

impl Features {
    /// Queries the features of a device with Vulkan 1.1 or later. The fields that come from properties are false; `add_properties` sets
    /// them.
    ///
    /// # Safety
    /// `physical` is a living physical device of `instance`; `available` describes it, with `minor` at least 1.
    pub(crate) unsafe fn query(instance: &ash::Instance, physical: vk::PhysicalDevice, available: &Available<'_>) -> Features {
        let mut chain = Chain::default();
        let mut head = chain.link_known(available);
        // SAFETY: by this function's contract the handle is alive and Vulkan 1.1 there; the linked structs are those that the device knows,
        // and they outlive the call.
        unsafe { instance.get_physical_device_features2(physical, &mut head) };
        let core = head.features;
        chain.core = core;
        chain.read(available).consistent()
    }

    /// Adds the features that Vulkan reports as properties.
    pub(crate) fn add_properties(
        &mut self,
        subgroup: &vk::PhysicalDeviceSubgroupProperties<'_>,
        float: &vk::PhysicalDeviceFloatControlsProperties<'_>,
    ) {
        use vk::SubgroupFeatureFlags as Op;
        let compute = subgroup.supported_stages.contains(vk::ShaderStageFlags::COMPUTE);
        let has = |operation: Op| compute && subgroup.supported_operations.contains(operation);
        self.subgroup_basic = has(Op::BASIC);
        self.subgroup_vote = has(Op::VOTE);
        self.subgroup_arithmetic = has(Op::ARITHMETIC);
        self.subgroup_ballot = has(Op::BALLOT);
        self.subgroup_shuffle = has(Op::SHUFFLE);
        self.subgroup_shuffle_relative = has(Op::SHUFFLE_RELATIVE);
        self.subgroup_clustered = has(Op::CLUSTERED);
        self.subgroup_quad = has(Op::QUAD);
        let any = |widths: [vk::Bool32; 3]| self.float_controls && widths.contains(&vk::TRUE);
        let f = float;
        let denorm_preserve = any([f.shader_denorm_preserve_float16, f.shader_denorm_preserve_float32, f.shader_denorm_preserve_float64]);
        let denorm_flush =
            any([f.shader_denorm_flush_to_zero_float16, f.shader_denorm_flush_to_zero_float32, f.shader_denorm_flush_to_zero_float64]);
        let preserve = any([
            f.shader_signed_zero_inf_nan_preserve_float16,
            f.shader_signed_zero_inf_nan_preserve_float32,
            f.shader_signed_zero_inf_nan_preserve_float64,
        ]);
        let rte = any([f.shader_rounding_mode_rte_float16, f.shader_rounding_mode_rte_float32, f.shader_rounding_mode_rte_float64]);
        let rtz = any([f.shader_rounding_mode_rtz_float16, f.shader_rounding_mode_rtz_float32, f.shader_rounding_mode_rtz_float64]);
        self.denorm_preserve = denorm_preserve;
        self.denorm_flush_to_zero = denorm_flush;
        self.signed_zero_inf_nan_preserve = preserve;
        self.rounding_mode_rte = rte;
        self.rounding_mode_rtz = rtz;
    }

    /// Removes features that must not be enabled alone.
    fn consistent(mut self) -> Features {
        // robustBufferAccess alone costs as much as robustBufferAccess2 and guarantees less than the compiler's checks.
        let robust = self.robust_buffer_access && self.robust_buffer_access_2;
        self.robust_buffer_access = robust;
        self.robust_buffer_access_2 = robust;
        self
    }
}

/// The request for vkCreateDevice.
pub(crate) struct DeviceRequest {
    /// The names for ppEnabledExtensionNames.
    pub(crate) extensions: Vec<&'static CStr>,
    /// The features that the open device will have.
    pub(crate) features: Features,
    chain: Chain,
}

impl DeviceRequest {
    /// Requests all of `features`, which the device described by `available` has.
    pub(crate) fn everything(available: &Available<'_>, features: &Features) -> DeviceRequest {
        let mut extensions = extensions_for(available);
        extensions.extend(portability(available));
        DeviceRequest { extensions, features: *features, chain: Chain::write(features) }
    }

    /// Requests no optional features.
    pub(crate) fn baseline(available: &Available<'_>) -> DeviceRequest {
        DeviceRequest { extensions: portability(available).collect(), features: Features::default(), chain: Chain::default() }
    }

    /// The head of the linked structs, for pNext of VkDeviceCreateInfo.
    pub(crate) fn link(&mut self) -> vk::PhysicalDeviceFeatures2<'_> {
        self.chain.link_wanted(&self.features)
    }
}

/// VK_KHR_portability_subset, which must be enabled if the device lists it.
fn portability(available: &Available<'_>) -> impl Iterator<Item = &'static CStr> {
    available.has(vk::KHR_PORTABILITY_SUBSET_NAME).then_some(vk::KHR_PORTABILITY_SUBSET_NAME).into_iter()
}

#[cfg(test)]
mod tests;
