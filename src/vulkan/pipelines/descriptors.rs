//! Descriptor sets for one command buffer. They are pushed into the command buffer if the device supports that. Otherwise they come from
//! pools, which are reset as a whole.

use super::pipeline::Pipeline;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, Result};
use crate::vulkan::memory::Slice;
use ash::vk;
use std::sync::Arc;

/// The number of sets in a pool, and of descriptors of each type. A kernel with more bindings gets a larger pool.
const SETS: u32 = 256;
const DESCRIPTORS: u32 = 1024;

/// The pools of one command buffer. They are reset together.
pub(in crate::vulkan) struct Descriptors {
    device: Arc<Device>,
    pools: Vec<vk::DescriptorPool>,
    /// The index of the pool to allocate from. The pools before it are full.
    current: usize,
}

impl Descriptors {
    pub(in crate::vulkan) fn new(device: &Arc<Device>) -> Descriptors {
        Descriptors { device: device.clone(), pools: Vec::new(), current: 0 }
    }

    /// Frees all sets. No submission may use them any more.
    pub(in crate::vulkan) fn reset(&mut self) -> Result<()> {
        for pool in &self.pools {
            // SAFETY: the pool belongs to this device, and by this function's contract no submission uses its sets.
            unsafe { self.device.raw().reset_descriptor_pool(*pool, vk::DescriptorPoolResetFlags::empty()) }
                .map_err(|e| Error::of("vkResetDescriptorPool", e))?;
        }
        self.current = 0;
        Ok(())
    }

    /// Binds `slices`, in the order of the slots, to the pipeline's sets.
    pub(in crate::vulkan) fn bind(&mut self, commands: vk::CommandBuffer, pipeline: &Pipeline, slices: &[Slice]) -> Result<()> {
        let point = vk::PipelineBindPoint::COMPUTE;
        // The template of each set picks the infos of its bindings out of those of all slots.
        let data = slices.as_ptr().cast();
        for set in &pipeline.sets {
            if let Some(push) = self.device.push_descriptor().filter(|_| pipeline.pushed) {
                // SAFETY: the command buffer is being recorded; set and template were made for pushing to this layout; the template reads
                // the infos of the pipeline's slots, of which `slices`, laid out like them, has all.
                unsafe {
                    (push.fp().cmd_push_descriptor_set_with_template_khr)(commands, set.template, pipeline.layout, set.group, data);
                }
                continue;
            }
            let target = self.allocate(set.layout, set.slots.len() as u32)?;
            // SAFETY: the set was allocated just now with this layout, so no submission uses it; the command buffer is being recorded; the
            // template reads the infos of the pipeline's slots, of which `slices`, laid out like them, has all.
            unsafe {
                self.device.raw().update_descriptor_set_with_template(target, set.template, data);
                self.device.raw().cmd_bind_descriptor_sets(commands, point, pipeline.layout, set.group, &[target], &[]);
            }
        }
        Ok(())
    }

    fn allocate(&mut self, layout: vk::DescriptorSetLayout, descriptors: u32) -> Result<vk::DescriptorSet> {
        loop {
            let fresh = self.current == self.pools.len();
            if fresh {
                self.pools.push(self.pool(descriptors.max(DESCRIPTORS))?);
            }
            let layouts = [layout];
            let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(self.pools[self.current]).set_layouts(&layouts);
            let raw = self.device.raw();
            let mut set = vk::DescriptorSet::null();
            // SAFETY: pool and layout are this device's and alive; one layout gives one set. (The wrapper in ash would allocate a Vec for
            // it.)
            match unsafe { (raw.fp_v1_0().allocate_descriptor_sets)(raw.handle(), &info, &mut set) } {
                vk::Result::SUCCESS => return Ok(set),
                vk::Result::ERROR_OUT_OF_POOL_MEMORY | vk::Result::ERROR_FRAGMENTED_POOL if !fresh => self.current += 1,
                e => return Err(Error::of("vkAllocateDescriptorSets", e)),
            }
        }
    }

    fn pool(&self, descriptors: u32) -> Result<vk::DescriptorPool> {
        let sizes = [vk::DescriptorType::STORAGE_BUFFER, vk::DescriptorType::UNIFORM_BUFFER]
            .map(|ty| vk::DescriptorPoolSize { ty, descriptor_count: descriptors });
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(SETS).pool_sizes(&sizes);
        // SAFETY: the device is alive.
        let pool = unsafe { self.device.raw().create_descriptor_pool(&info, None) }.map_err(|e| Error::of("vkCreateDescriptorPool", e))?;
        self.device.set_name(pool, "avx_gpu descriptors");
        Ok(pool)
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        for pool in &self.pools {
            // SAFETY: the pools belong to this device, and no submission of the command buffer that owns them runs.
            unsafe { self.device.raw().destroy_descriptor_pool(*pool, None) };
        }
    }
}
