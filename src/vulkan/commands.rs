//! Recording: one command buffer with the descriptor pools it draws from, reused as a whole.

use super::descriptors::Descriptors;
use super::device::Device;
use super::error::{Error, Result};
use super::pipeline::Pipeline;
use ash::vk;
use std::sync::Arc;

/// A range of a Vulkan buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(crate) buffer: vk::Buffer,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

impl Slice {
    /// `size` bytes from `offset` on, which lie inside.
    pub(crate) fn part(self, offset: u64, size: u64) -> Slice {
        debug_assert!(offset <= self.size && size <= self.size - offset, "{offset}+{size} leaves {self:?}");
        Slice { offset: self.offset + offset, size, ..self }
    }
}

/// The stages on one side of a barrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StageSet {
    pub(crate) compute: bool,
    pub(crate) transfer: bool,
}

impl StageSet {
    fn stages(self) -> vk::PipelineStageFlags {
        let compute = if self.compute { vk::PipelineStageFlags::COMPUTE_SHADER } else { vk::PipelineStageFlags::empty() };
        let transfer = if self.transfer { vk::PipelineStageFlags::TRANSFER } else { vk::PipelineStageFlags::empty() };
        compute | transfer
    }

    /// The writes of the stages.
    fn writes(self) -> vk::AccessFlags {
        let compute = if self.compute { vk::AccessFlags::SHADER_WRITE } else { vk::AccessFlags::empty() };
        let transfer = if self.transfer { vk::AccessFlags::TRANSFER_WRITE } else { vk::AccessFlags::empty() };
        compute | transfer
    }

    /// All that the stages do to memory.
    fn accesses(self) -> vk::AccessFlags {
        let compute = if self.compute { vk::AccessFlags::SHADER_READ | vk::AccessFlags::UNIFORM_READ } else { vk::AccessFlags::empty() };
        let transfer = if self.transfer { vk::AccessFlags::TRANSFER_READ } else { vk::AccessFlags::empty() };
        compute | transfer | self.writes()
    }
}

/// A command buffer with what it draws from. While a submission of it runs, it is neither recorded nor dropped: the queue's duty.
///
/// The recording methods assume what the runtime has checked: ranges inside living buffers of this device, limits, alignment.
pub(crate) struct Commands {
    device: Arc<Device>,
    pool: vk::CommandPool,
    buffer: vk::CommandBuffer,
    descriptors: Descriptors,
    /// The pipeline that is bound now.
    bound: vk::Pipeline,
}

impl Commands {
    pub(super) fn new(device: &Arc<Device>) -> Result<Commands> {
        let info =
            vk::CommandPoolCreateInfo::default().queue_family_index(device.queue_family()).flags(vk::CommandPoolCreateFlags::TRANSIENT);
        // SAFETY: the device is alive and was created with this queue family.
        let pool = unsafe { device.raw().create_command_pool(&info, None) }.map_err(|e| Error::of("vkCreateCommandPool", e))?;
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        // SAFETY: the pool was made just now.
        let buffers = unsafe { device.raw().allocate_command_buffers(&info) }.map_err(|e| {
            // SAFETY: nothing was allocated from the pool, and nobody else knows it.
            unsafe { device.raw().destroy_command_pool(pool, None) };
            Error::of("vkAllocateCommandBuffers", e)
        })?;
        let buffer = buffers[0];
        device.set_name(pool, "avx_gpu commands");
        device.set_name(buffer, "avx_gpu commands");
        Ok(Commands { device: device.clone(), pool, buffer, descriptors: Descriptors::new(device), bound: vk::Pipeline::null() })
    }

    pub(super) fn raw(&self) -> vk::CommandBuffer {
        self.buffer
    }

    /// Forgets what was recorded, which no submission uses any more, and starts anew.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.bound = vk::Pipeline::null();
        self.descriptors.reset()?;
        // SAFETY: by the type's contract no submission of this command buffer is running.
        unsafe { self.device.raw().reset_command_pool(self.pool, vk::CommandPoolResetFlags::empty()) }
            .map_err(|e| Error::of("vkResetCommandPool", e))?;
        let info = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: the pool was just reset, so the command buffer is in its initial state.
        unsafe { self.device.raw().begin_command_buffer(self.buffer, &info) }.map_err(|e| Error::of("vkBeginCommandBuffer", e))
    }

    pub(super) fn end(&mut self) -> Result<()> {
        // SAFETY: the command buffer is being recorded.
        unsafe { self.device.raw().end_command_buffer(self.buffer) }.map_err(|e| Error::of("vkEndCommandBuffer", e))
    }

    /// All commands of `src` before are done, and their writes visible, before commands of `dst` after it start.
    pub(crate) fn barrier(&mut self, src: StageSet, dst: StageSet) {
        self.memory_barrier(src.stages(), src.writes(), dst.stages(), dst.accesses());
    }

    /// The writes of `src` before are visible to the host once the submission is done.
    pub(crate) fn host_barrier(&mut self, src: StageSet) {
        self.memory_barrier(src.stages(), src.writes(), vk::PipelineStageFlags::HOST, vk::AccessFlags::HOST_READ);
    }

    fn memory_barrier(
        &mut self,
        src: vk::PipelineStageFlags,
        src_access: vk::AccessFlags,
        dst: vk::PipelineStageFlags,
        dst_access: vk::AccessFlags,
    ) {
        let barrier = [vk::MemoryBarrier::default().src_access_mask(src_access).dst_access_mask(dst_access)];
        // SAFETY: the command buffer is being recorded; the masks fit the stages, which are not empty.
        unsafe { self.device.raw().cmd_pipeline_barrier(self.buffer, src, dst, vk::DependencyFlags::empty(), &barrier, &[], &[]) };
    }

    /// Copies the bytes of `src` to `dst`, of the same size and not overlapping.
    pub(crate) fn copy(&mut self, src: Slice, dst: Slice) {
        debug_assert_eq!(src.size, dst.size);
        let region = [vk::BufferCopy { src_offset: src.offset, dst_offset: dst.offset, size: src.size }];
        // SAFETY: the command buffer is being recorded; the caller keeps the ranges inside their living buffers.
        unsafe { self.device.raw().cmd_copy_buffer(self.buffer, src.buffer, dst.buffer, &region) };
    }

    /// Copies `src` to `dst` over and over, the last time as much as fits.
    pub(crate) fn copy_repeated(&mut self, src: Slice, dst: Slice) {
        let mut regions = Vec::new();
        let mut at = 0;
        while at < dst.size {
            let size = src.size.min(dst.size - at);
            regions.push(vk::BufferCopy { src_offset: src.offset, dst_offset: dst.offset + at, size });
            at += size;
        }
        for some in regions.chunks(4096) {
            // SAFETY: the command buffer is being recorded; the caller keeps the ranges inside their living buffers.
            unsafe { self.device.raw().cmd_copy_buffer(self.buffer, src.buffer, dst.buffer, some) };
        }
    }

    /// Fills `dst`, whose offset and size are multiples of 4.
    pub(crate) fn fill(&mut self, dst: Slice, word: u32) {
        // SAFETY: the command buffer is being recorded; the caller keeps the range inside its living buffer, and aligned.
        unsafe { self.device.raw().cmd_fill_buffer(self.buffer, dst.buffer, dst.offset, dst.size, word) };
    }

    /// Makes ready to dispatch: the pipeline, `slices` for its slots in order, and its push constants.
    pub(crate) fn bind(&mut self, pipeline: &Pipeline, slices: &[Slice], push_constants: &[u8]) -> Result<()> {
        debug_assert_eq!(slices.len(), pipeline.slots.len());
        let device = self.device.clone();
        if self.bound != pipeline.raw {
            // SAFETY: the command buffer is being recorded; the pipeline outlives the submission, by the caller's duty.
            unsafe { device.raw().cmd_bind_pipeline(self.buffer, vk::PipelineBindPoint::COMPUTE, pipeline.raw) };
            self.bound = pipeline.raw;
        }
        for set in &pipeline.sets {
            self.descriptors.bind(self.buffer, pipeline, set, slices)?;
        }
        if !push_constants.is_empty() {
            // SAFETY: the layout's push-constant range has these bytes, a multiple of 4 of them.
            unsafe {
                device.raw().cmd_push_constants(self.buffer, pipeline.layout, vk::ShaderStageFlags::COMPUTE, 0, push_constants);
            }
        }
        Ok(())
    }

    /// Runs the bound pipeline over so many workgroups, each number within the device's limit.
    pub(crate) fn dispatch(&mut self, groups: [u32; 3]) {
        // SAFETY: the command buffer is being recorded, and `bind` came before.
        unsafe { self.device.raw().cmd_dispatch(self.buffer, groups[0], groups[1], groups[2]) };
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        // SAFETY: by the type's contract no submission runs; the pool takes its command buffer along.
        unsafe { self.device.raw().destroy_command_pool(self.pool, None) };
    }
}
