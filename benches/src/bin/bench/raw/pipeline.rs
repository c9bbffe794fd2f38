//! Pipelines from unchecked WGSL, and descriptor sets that are created ahead of time.

use super::{Buffer, Raw};
use ash::vk;
use naga::back::spv;
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// A compute pipeline over storage buffers.
#[derive(Clone, Copy)]
pub(crate) struct Pipeline {
    pub(crate) handle: vk::Pipeline,
    pub(crate) layout: vk::PipelineLayout,
    set_layout: vk::DescriptorSetLayout,
}

/// The descriptors of one dispatch.
pub(crate) type Set = vk::DescriptorSet;

/// Compiles WGSL to SPIR-V with all run-time checks off. The result is what a careful author of SPIR-V would write.
pub(crate) fn unchecked_spirv(wgsl: &str) -> Vec<u32> {
    let module = naga::front::wgsl::parse_str(wgsl).expect("valid WGSL");
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).expect("valid WGSL");
    let options = spv::Options {
        lang_version: (1, 3),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: naga::proc::BoundsCheckPolicies::default(),
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..spv::Options::default()
    };
    spv::write_vec(&module, &info, &options, None).expect("SPIR-V")
}

impl Raw {
    /// The pipeline of the entry point `main` of a WGSL source, with `bindings` storage buffers.
    pub(crate) fn pipeline(&self, wgsl: &str, bindings: u32) -> Pipeline {
        let code = unchecked_spirv(wgsl);
        let slots: Vec<_> = (0..bindings)
            .map(|i| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(i)
                    .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                    .descriptor_count(1)
                    .stage_flags(vk::ShaderStageFlags::COMPUTE)
            })
            .collect();
        // SAFETY: the device lives, the code is valid SPIR-V whose interface is the layout's; each info points to what lives.
        unsafe {
            let module = self.device.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(&code), None).expect("a module");
            let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&slots);
            let set_layout = self.device.create_descriptor_set_layout(&info, None).expect("a set layout");
            let layouts = [set_layout];
            let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts);
            let layout = self.device.create_pipeline_layout(&info, None).expect("a pipeline layout");
            let stage = vk::PipelineShaderStageCreateInfo::default().stage(vk::ShaderStageFlags::COMPUTE).module(module).name(c"main");
            let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout)];
            let handle = self.device.create_compute_pipelines(vk::PipelineCache::null(), &info, None).expect("a pipeline")[0];
            self.device.destroy_shader_module(module, None);
            Pipeline { handle, layout, set_layout }
        }
    }

    /// A descriptor set for each entry of `bindings`. An entry holds (buffer, offset, bytes) for each slot.
    pub(crate) fn sets(&self, pipeline: &Pipeline, bindings: &[Vec<(&Buffer, u64, u64)>]) -> Vec<Set> {
        let slots: usize = bindings.iter().map(Vec::len).sum();
        let sizes = [vk::DescriptorPoolSize { ty: vk::DescriptorType::STORAGE_BUFFER, descriptor_count: slots as u32 }];
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(bindings.len() as u32).pool_sizes(&sizes);
        let layouts = vec![pipeline.set_layout; bindings.len()];
        // SAFETY: the pool holds exactly these sets; the buffers live as long as the sets are used.
        unsafe {
            let pool = self.device.create_descriptor_pool(&info, None).expect("a descriptor pool");
            let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&layouts);
            let sets = self.device.allocate_descriptor_sets(&info).expect("descriptor sets");
            for (set, ranges) in sets.iter().zip(bindings) {
                for (slot, (buffer, offset, range)) in ranges.iter().enumerate() {
                    let info = [vk::DescriptorBufferInfo { buffer: buffer.handle, offset: *offset, range: *range }];
                    let write = vk::WriteDescriptorSet::default()
                        .dst_set(*set)
                        .dst_binding(slot as u32)
                        .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                        .buffer_info(&info);
                    self.device.update_descriptor_sets(&[write], &[]);
                }
            }
            sets
        }
    }

    /// One descriptor set over whole buffers.
    pub(crate) fn set(&self, pipeline: &Pipeline, buffers: &[&Buffer]) -> Set {
        self.sets(pipeline, &[buffers.iter().map(|b| (*b, 0, b.size)).collect()])[0]
    }

    /// Frees a pipeline that no pending work uses. Its descriptor sets stay until the process ends.
    pub(crate) fn free_pipeline(&self, pipeline: Pipeline) {
        // SAFETY: the callers have waited for its last use.
        unsafe {
            self.device.destroy_pipeline(pipeline.handle, None);
            self.device.destroy_pipeline_layout(pipeline.layout, None);
            self.device.destroy_descriptor_set_layout(pipeline.set_layout, None);
        }
    }
}
