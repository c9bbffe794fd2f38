//! Descriptions of SPIR-V capabilities in terms that kernel authors use.

use rspirv::spirv::Capability;

/// The feature that a capability stands for. The text is empty if the SPIR-V name is clear enough.
pub(crate) fn describe(capability: Capability) -> &'static str {
    use Capability::*;
    match capability {
        Float16 => "f16 arithmetic",
        Float64 => "f64 arithmetic",
        Int8 => "8-bit integer arithmetic",
        Int16 => "16-bit integer arithmetic",
        Int64 => "64-bit integer arithmetic",
        StorageBuffer16BitAccess => "16-bit values in storage buffers",
        UniformAndStorageBuffer16BitAccess => "16-bit values in uniform buffers",
        StoragePushConstant16 => "16-bit values in push constants",
        StorageInputOutput16 => "16-bit shader inputs and outputs",
        StorageBuffer8BitAccess => "8-bit values in storage buffers",
        UniformAndStorageBuffer8BitAccess => "8-bit values in uniform buffers",
        StoragePushConstant8 => "8-bit values in push constants",
        Int64Atomics => "64-bit atomic operations",
        AtomicFloat16AddEXT => "f16 atomic add",
        AtomicFloat32AddEXT => "f32 atomic add",
        AtomicFloat64AddEXT => "f64 atomic add",
        AtomicFloat16MinMaxEXT | AtomicFloat32MinMaxEXT | AtomicFloat64MinMaxEXT => "atomic minimum and maximum of floats",
        GroupNonUniform => "basic subgroup operations",
        GroupNonUniformVote => "subgroup votes (subgroupAll, subgroupAny)",
        GroupNonUniformArithmetic => "subgroup arithmetic (subgroupAdd and the like)",
        GroupNonUniformBallot => "subgroup ballot and broadcast",
        GroupNonUniformShuffle => "subgroup shuffle",
        GroupNonUniformShuffleRelative => "relative subgroup shuffle (up, down)",
        GroupNonUniformClustered => "clustered subgroup operations",
        GroupNonUniformQuad => "quad operations",
        GroupNonUniformRotateKHR => "subgroup rotation",
        SubgroupBallotKHR | SubgroupVoteKHR => "subgroup operations of the older kind",
        CooperativeMatrixKHR | CooperativeMatrixNV => "cooperative matrices",
        CooperativeVectorNV => "cooperative vectors",
        BFloat16TypeKHR => "bfloat16",
        Float8EXT => "8-bit floats",
        DotProduct | DotProductInputAll | DotProductInput4x8Bit | DotProductInput4x8BitPacked => "packed integer dot products",
        PhysicalStorageBufferAddresses => "raw buffer addresses",
        VulkanMemoryModel => "the Vulkan memory model",
        VulkanMemoryModelDeviceScope => "device scope in the Vulkan memory model",
        VariablePointers | VariablePointersStorageBuffer => "variable pointers",
        WorkgroupMemoryExplicitLayoutKHR | WorkgroupMemoryExplicitLayout8BitAccessKHR | WorkgroupMemoryExplicitLayout16BitAccessKHR => {
            "explicit layout of workgroup memory"
        }
        ShaderClockKHR => "the shader clock",
        RuntimeDescriptorArray | ShaderNonUniform => "arrays of bindings",
        StorageBufferArrayDynamicIndexing
        | StorageBufferArrayNonUniformIndexing
        | UniformBufferArrayDynamicIndexing
        | UniformBufferArrayNonUniformIndexing => "arrays of buffers",
        RayQueryKHR | RayTracingKHR | RayQueryPositionFetchKHR => "ray tracing",
        ImageQuery
        | StorageImageExtendedFormats
        | StorageImageReadWithoutFormat
        | StorageImageWriteWithoutFormat
        | StorageImageMultisample
        | Sampled1D
        | Image1D
        | SampledBuffer
        | ImageBuffer
        | ImageCubeArray
        | SampledCubeArray
        | Int64ImageEXT => "images",
        SignedZeroInfNanPreserve | DenormPreserve | DenormFlushToZero | RoundingModeRTE | RoundingModeRTZ => "control over float rounding",
        ReplicatedCompositesEXT => "replicated composites",
        ExpectAssumeKHR => "optimization hints",
        Kernel | Addresses | Linkage => "OpenCL",
        Geometry | Tessellation | MultiViewport | InputAttachment | SampleRateShading => "graphics",
        _ => "",
    }
}
