//! Command buffers. Each has descriptor pools of its own, and both are reused together.

use super::stages::Stages;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, Result};
use crate::vulkan::memory::Slice;
use crate::vulkan::pipelines::Descriptors;
use crate::vulkan::pipelines::Pipeline;
use ash::vk;
use smallvec::SmallVec;
use std::sync::Arc;

/// Every pipeline stage that the commands of this library use.
pub(super) const ALL_STAGES: vk::PipelineStageFlags = vk::PipelineStageFlags::from_raw(
    vk::PipelineStageFlags::COMPUTE_SHADER.as_raw()
        | vk::PipelineStageFlags::TRANSFER.as_raw()
        | vk::PipelineStageFlags::DRAW_INDIRECT.as_raw(),
);

/// The state that was bound last. The same state is not bound again.
#[derive(Default)]
pub(super) struct Bound {
    pub(super) pipeline: vk::Pipeline,
    /// The ranges in the order of the pipeline's slots. They are valid for pipelines with `layout`.
    pub(super) slices: SmallVec<[Slice; 8]>,
    pub(super) layout: vk::PipelineLayout,
    push_constants: SmallVec<[u8; 128]>,
}

/// A command buffer with its pools. While a submission of it runs, it must be neither recorded nor dropped; the queue ensures that.
///
/// The recording methods assume that the runtime has checked their arguments: ranges lie inside living buffers of this device, and limits
/// and alignments hold.
pub(crate) struct Commands {
    device: Arc<Device>,
    pool: vk::CommandPool,
    buffer: vk::CommandBuffer,
    descriptors: Descriptors,
    bound: Bound,
}

impl Commands {
    pub(crate) fn new(device: &Arc<Device>) -> Result<Commands> {
        // vkBeginCommandBuffer resets the command buffer. On NVIDIA that takes half a microsecond less than resetting the pool before.
        let flags = vk::CommandPoolCreateFlags::TRANSIENT | vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER;
        let info = vk::CommandPoolCreateInfo::default().queue_family_index(device.queue_family()).flags(flags);
        // SAFETY: the device is alive and was created with this queue family.
        let pool = unsafe { device.raw().create_command_pool(&info, None) }.map_err(|e| Error::of("vkCreateCommandPool", e))?;
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        // SAFETY: the pool was created just now.
        let buffers = unsafe { device.raw().allocate_command_buffers(&info) }.map_err(|e| {
            // SAFETY: nothing was allocated from the pool, and no other code has its handle.
            unsafe { device.raw().destroy_command_pool(pool, None) };
            Error::of("vkAllocateCommandBuffers", e)
        })?;
        let buffer = buffers[0];
        device.set_name(pool, "avx_gpu commands");
        device.set_name(buffer, "avx_gpu commands");
        Ok(Commands { device: device.clone(), pool, buffer, descriptors: Descriptors::new(device), bound: Bound::default() })
    }

    /// The device and the command buffer, for recording code in other files.
    pub(super) fn parts(&self) -> (&Arc<Device>, vk::CommandBuffer) {
        (&self.device, self.buffer)
    }

    pub(super) fn raw(&self) -> vk::CommandBuffer {
        self.buffer
    }

    /// Discards what was recorded and begins a new recording for one submission. No submission may use the old recording any more.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.begin_with(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT)
    }

    /// As `begin`, but the recording may be submitted any number of times, and several of its submissions may run at once.
    pub(crate) fn begin_reusable(&mut self) -> Result<()> {
        self.begin_with(vk::CommandBufferUsageFlags::SIMULTANEOUS_USE)
    }

    fn begin_with(&mut self, usage: vk::CommandBufferUsageFlags) -> Result<()> {
        self.bound = Bound::default();
        self.descriptors.reset()?;
        let info = vk::CommandBufferBeginInfo::default().flags(usage);
        // SAFETY: by the type's contract no submission of this command buffer is running, and its pool lets it be reset by this.
        unsafe { self.device.raw().begin_command_buffer(self.buffer, &info) }.map_err(|e| Error::of("vkBeginCommandBuffer", e))
    }

    /// Ends the recording. After that it can be submitted.
    pub(crate) fn end(&mut self) -> Result<()> {
        // SAFETY: the command buffer is being recorded.
        unsafe { self.device.raw().end_command_buffer(self.buffer) }.map_err(|e| Error::of("vkEndCommandBuffer", e))
    }

    /// A barrier: earlier commands of the stages `src` are done, and their writes are visible, before later commands of the stages `dst`
    /// start.
    pub(crate) fn barrier(&mut self, src: Stages, dst: Stages) {
        self.memory_barrier(src.flags(), src.writes(), dst.flags(), dst.accesses());
    }

    /// A barrier: earlier writes of the stages `src` are visible to the host when the submission is done.
    pub(crate) fn host_barrier(&mut self, src: Stages) {
        self.memory_barrier(src.flags(), src.writes(), vk::PipelineStageFlags::HOST, vk::AccessFlags::HOST_READ);
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

    /// Fills `dst` with repeated copies of `src`. The last copy is cut off at the end of `dst`.
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

    /// Binds what a dispatch needs: the pipeline, `slices` for its slots in order, and its push constants.
    pub(crate) fn bind(&mut self, pipeline: &Pipeline, slices: &[Slice], push_constants: &[u8]) -> Result<()> {
        debug_assert_eq!(slices.len(), pipeline.slots.len());
        if self.bound.pipeline != pipeline.raw {
            // SAFETY: the command buffer is being recorded; the caller keeps the pipeline alive until the submission is done.
            unsafe { self.device.raw().cmd_bind_pipeline(self.buffer, vk::PipelineBindPoint::COMPUTE, pipeline.raw) };
            self.bound.pipeline = pipeline.raw;
        }
        let same_layout = self.bound.layout == pipeline.layout;
        if !same_layout || self.bound.slices.as_slice() != slices {
            self.descriptors.bind(self.buffer, pipeline, slices)?;
            self.bound.slices.clear();
            self.bound.slices.extend_from_slice(slices);
        }
        if !(push_constants.is_empty() || same_layout && self.bound.push_constants.as_slice() == push_constants) {
            // SAFETY: the push-constant range of the layout covers these bytes, and their number is a multiple of 4.
            unsafe {
                self.device.raw().cmd_push_constants(self.buffer, pipeline.layout, vk::ShaderStageFlags::COMPUTE, 0, push_constants);
            }
            self.bound.push_constants.clear();
            self.bound.push_constants.extend_from_slice(push_constants);
        }
        self.bound.layout = pipeline.layout;
        Ok(())
    }

    /// Dispatches `groups` workgroups of the bound pipeline. Each number is within the device's limit.
    pub(crate) fn dispatch(&mut self, groups: [u32; 3]) {
        // SAFETY: the command buffer is being recorded, and `bind` came before.
        unsafe { self.device.raw().cmd_dispatch(self.buffer, groups[0], groups[1], groups[2]) };
    }

    /// Dispatches the bound pipeline with the workgroup counts that the three words at the start of `counts` have when the device gets
    /// there. `counts` is aligned to 4 bytes.
    pub(crate) fn dispatch_indirect(&mut self, counts: Slice) {
        // SAFETY: the command buffer is being recorded, and `bind` came before; every buffer may be used for this, and the caller keeps the
        // 12 bytes inside of it.
        unsafe { self.device.raw().cmd_dispatch_indirect(self.buffer, counts.buffer, counts.offset) };
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        // SAFETY: by the type's contract no submission runs; destroying the pool frees its command buffer.
        unsafe { self.device.raw().destroy_command_pool(self.pool, None) };
    }
}
