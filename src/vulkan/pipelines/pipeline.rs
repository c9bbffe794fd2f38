//! Compute pipelines and their layouts.

use super::pipeline_cache::PipelineCache;
use crate::sys::{self, DriverStep};
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, ErrorKind, Result};
use ash::vk;
use std::ffi::CString;
use std::sync::Arc;

/// The descriptor type of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Descriptor {
    Storage,
    Uniform,
}

impl Descriptor {
    pub(crate) fn raw(self) -> vk::DescriptorType {
        match self {
            Descriptor::Storage => vk::DescriptorType::STORAGE_BUFFER,
            Descriptor::Uniform => vk::DescriptorType::UNIFORM_BUFFER,
        }
    }
}

/// One binding of a pipeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) group: u32,
    pub(crate) binding: u32,
    pub(crate) descriptor: Descriptor,
}

/// The description that a pipeline is created from. Dispatches give their ranges in the order of `slots`.
pub(crate) struct PipelineDesc<'a> {
    pub(crate) spirv: &'a [u32],
    pub(crate) entry_point: &'a str,
    pub(crate) slots: &'a [Slot],
    /// Specialization constants: the id and the value in little-endian bytes.
    pub(crate) specialized: &'a [(u32, &'a [u8])],
    /// The size of subgroups; 0: the driver chooses. Another value needs a device that can fix the size.
    pub(crate) subgroup_size: u32,
    /// Every subgroup is full. This needs a device that can guarantee it.
    pub(crate) full_subgroups: bool,
    pub(crate) push_constant_bytes: u32,
    pub(crate) label: &'a str,
}

/// A descriptor set of a pipeline: its group, and the pipeline's slots that belong to it.
pub(in crate::vulkan) struct Set {
    pub(in crate::vulkan) group: u32,
    pub(in crate::vulkan) layout: vk::DescriptorSetLayout,
    pub(in crate::vulkan) slots: Vec<usize>,
    /// Fills the set from an array with a vk::DescriptorBufferInfo for each of the pipeline's slots.
    pub(in crate::vulkan) template: vk::DescriptorUpdateTemplate,
}

/// A compute pipeline with its layout. It may be dropped only after the submissions that use it are done.
pub(crate) struct Pipeline {
    device: Arc<Device>,
    pub(in crate::vulkan) raw: vk::Pipeline,
    pub(in crate::vulkan) layout: vk::PipelineLayout,
    pub(in crate::vulkan) slots: Vec<Slot>,
    /// The sets that have bindings, by ascending group.
    pub(in crate::vulkan) sets: Vec<Set>,
    /// Whether the only set is pushed into the command buffer instead of allocated.
    pub(in crate::vulkan) pushed: bool,
    pub(in crate::vulkan) push_constant_bytes: u32,
    /// The layout for groups without bindings below the last group.
    empty: Option<vk::DescriptorSetLayout>,
}

impl Pipeline {
    /// Creates the pipeline, for which the driver compiles the SPIR-V. The SPIR-V has been checked before.
    pub(crate) fn new(device: &Arc<Device>, cache: &PipelineCache, desc: &PipelineDesc<'_>) -> Result<Pipeline> {
        let mut pipeline = Pipeline {
            device: device.clone(),
            raw: vk::Pipeline::null(),
            layout: vk::PipelineLayout::null(),
            slots: desc.slots.to_vec(),
            sets: Vec::new(),
            pushed: false,
            push_constant_bytes: desc.push_constant_bytes,
            empty: None,
        };
        // If a step fails, `Drop` destroys what has been created so far.
        pipeline.make_sets()?;
        pipeline.make_layout()?;
        pipeline.make_templates()?;
        pipeline.compile(cache, desc)?;
        device.set_name(pipeline.raw, desc.label);
        device.set_name(pipeline.layout, desc.label);
        pipeline.sets.iter().map(|set| set.layout).chain(pipeline.empty).for_each(|layout| device.set_name(layout, desc.label));
        Ok(pipeline)
    }

    pub(in crate::vulkan) fn device(&self) -> &Device {
        &self.device
    }

    fn make_sets(&mut self) -> Result<()> {
        let mut groups: Vec<u32> = self.slots.iter().map(|s| s.group).collect();
        groups.sort_unstable();
        groups.dedup();
        self.pushed = groups.len() == 1
            && self.device.push_descriptor().is_some()
            && self.slots.len() <= self.device.snapshot().max_push_descriptors as usize;
        for group in groups {
            let slots: Vec<usize> = (0..self.slots.len()).filter(|&i| self.slots[i].group == group).collect();
            let bindings: Vec<_> = slots
                .iter()
                .map(|&i| {
                    vk::DescriptorSetLayoutBinding::default()
                        .binding(self.slots[i].binding)
                        .descriptor_type(self.slots[i].descriptor.raw())
                        .descriptor_count(1)
                        .stage_flags(vk::ShaderStageFlags::COMPUTE)
                })
                .collect();
            let layout = self.set_layout(&bindings, self.pushed)?;
            self.sets.push(Set { group, layout, slots, template: vk::DescriptorUpdateTemplate::null() });
        }
        Ok(())
    }

    fn set_layout(&self, bindings: &[vk::DescriptorSetLayoutBinding<'_>], pushed: bool) -> Result<vk::DescriptorSetLayout> {
        let flags =
            if pushed { vk::DescriptorSetLayoutCreateFlags::PUSH_DESCRIPTOR_KHR } else { vk::DescriptorSetLayoutCreateFlags::empty() };
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(bindings).flags(flags);
        // SAFETY: the device is alive; the push flag is set only where VK_KHR_push_descriptor is enabled and its limit kept.
        unsafe { self.device.raw().create_descriptor_set_layout(&info, None) }.map_err(|e| Error::of("vkCreateDescriptorSetLayout", e))
    }

    fn make_layout(&mut self) -> Result<()> {
        let count = self.sets.last().map_or(0, |s| s.group + 1);
        if (self.sets.len() as u32) < count {
            self.empty = Some(self.set_layout(&[], false)?);
        }
        let layouts: Vec<vk::DescriptorSetLayout> = (0..count)
            .map(|group| self.sets.iter().find(|s| s.group == group).map_or(self.empty.unwrap_or_default(), |s| s.layout))
            .collect();
        let ranges = [vk::PushConstantRange::default()
            .stage_flags(vk::ShaderStageFlags::COMPUTE)
            .size(self.push_constant_bytes.next_multiple_of(4))];
        let ranges = if self.push_constant_bytes > 0 { &ranges[..] } else { &[] };
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts).push_constant_ranges(ranges);
        // SAFETY: the set layouts are this device's and alive; the sizes were checked against its limits.
        self.layout =
            unsafe { self.device.raw().create_pipeline_layout(&info, None) }.map_err(|e| Error::of("vkCreatePipelineLayout", e))?;
        Ok(())
    }

    /// Creates the update templates of the sets. Filling a set by a template takes a third less time than by writes (measured on NVIDIA).
    fn make_templates(&mut self) -> Result<()> {
        let size = size_of::<vk::DescriptorBufferInfo>();
        for i in 0..self.sets.len() {
            let set = &self.sets[i];
            let entries: Vec<_> = set
                .slots
                .iter()
                .map(|&slot| {
                    vk::DescriptorUpdateTemplateEntry::default()
                        .dst_binding(self.slots[slot].binding)
                        .descriptor_count(1)
                        .descriptor_type(self.slots[slot].descriptor.raw())
                        .offset(slot * size)
                        .stride(size)
                })
                .collect();
            let info = vk::DescriptorUpdateTemplateCreateInfo::default().descriptor_update_entries(&entries);
            let info = if self.pushed {
                info.template_type(vk::DescriptorUpdateTemplateType::PUSH_DESCRIPTORS_KHR)
                    .pipeline_bind_point(vk::PipelineBindPoint::COMPUTE)
                    .pipeline_layout(self.layout)
                    .set(set.group)
            } else {
                info.template_type(vk::DescriptorUpdateTemplateType::DESCRIPTOR_SET).descriptor_set_layout(set.layout)
            };
            // SAFETY: the layouts are this device's and alive, and the entries name bindings of the set's; a template for pushing is made
            // only where VK_KHR_push_descriptor is enabled.
            let template = unsafe { self.device.raw().create_descriptor_update_template(&info, None) };
            self.sets[i].template = template.map_err(|e| Error::of("vkCreateDescriptorUpdateTemplate", e))?;
        }
        Ok(())
    }

    fn compile(&mut self, cache: &PipelineCache, desc: &PipelineDesc<'_>) -> Result<()> {
        let entry = CString::new(desc.entry_point).map_err(|_| Error::new(ErrorKind::Invalid, "the entry point's name contains a NUL"))?;
        let device = self.device.raw();
        // SAFETY: the words passed the structural check of `compile`; the slice lives through the call.
        let module = unsafe { device.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(desc.spirv), None) }
            .map_err(|e| Error::of("vkCreateShaderModule", e))?;
        self.device.set_name(module, desc.label);
        let mut data = Vec::new();
        let entries: Vec<vk::SpecializationMapEntry> = desc
            .specialized
            .iter()
            .map(|(id, bytes)| {
                let offset = data.len() as u32;
                data.extend_from_slice(bytes);
                vk::SpecializationMapEntry { constant_id: *id, offset, size: bytes.len() }
            })
            .collect();
        let constants = vk::SpecializationInfo::default().map_entries(&entries).data(&data);
        let mut size = vk::PipelineShaderStageRequiredSubgroupSizeCreateInfo::default().required_subgroup_size(desc.subgroup_size);
        let flags = if desc.full_subgroups {
            vk::PipelineShaderStageCreateFlags::REQUIRE_FULL_SUBGROUPS
        } else {
            vk::PipelineShaderStageCreateFlags::empty()
        };
        let mut stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .flags(flags)
            .module(module)
            .name(&entry)
            .specialization_info(&constants);
        if desc.subgroup_size != 0 {
            stage = stage.push_next(&mut size);
        }
        let told = if self.device.executable_properties().is_some() {
            vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
        } else {
            vk::PipelineCreateFlags::empty()
        };
        let info = vk::ComputePipelineCreateInfo::default().flags(told).stage(stage).layout(self.layout);
        let made = cache.used.with_fallback(|cache| {
            // SAFETY: module, layout and cache are this device's and alive, or the cache is null; the entry point is in the module.
            unsafe { device.create_compute_pipelines(cache, &[info], None) }
        });
        sys::exit_before(DriverStep::Pipeline(self.device.driver()));
        // SAFETY: a shader module may be destroyed once its pipelines exist.
        unsafe { device.destroy_shader_module(module, None) };
        match made {
            Ok(pipelines) => self.raw = pipelines.into_iter().next().unwrap_or_default(),
            Err((_, result)) => {
                let error = Error::of("vkCreateComputePipelines", result);
                let hint = "the driver rejected the code of the kernel";
                return Err(Error::new(error.kind, format!("{hint} '{}': {}", desc.label, error.message)));
            }
        }
        if self.raw == vk::Pipeline::null() {
            return Err(Error::new(ErrorKind::Driver, format!("vkCreateComputePipelines gave no pipeline for '{}'", desc.label)));
        }
        Ok(())
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let device = self.device.raw();
        // SAFETY: all were created by this device (or are null, which is allowed), and by the type's contract no submission uses them.
        unsafe {
            device.destroy_pipeline(self.raw, None);
            device.destroy_pipeline_layout(self.layout, None);
            for set in &self.sets {
                device.destroy_descriptor_update_template(set.template, None);
            }
            for layout in self.sets.iter().map(|s| s.layout).chain(self.empty) {
                device.destroy_descriptor_set_layout(layout, None);
            }
        }
    }
}
