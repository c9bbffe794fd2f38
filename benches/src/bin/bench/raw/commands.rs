//! Recording of command buffers.

use super::{Buffer, Pipeline, Raw, Set};
use ash::vk;

impl Raw {
    /// A command pool of the compute family for one thread.
    pub(crate) fn new_pool(&self, family: u32) -> vk::CommandPool {
        let flags = vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER;
        let info = vk::CommandPoolCreateInfo::default().queue_family_index(family).flags(flags);
        // SAFETY: the family is one that the device was opened with.
        unsafe { self.device.create_command_pool(&info, None) }.expect("a command pool")
    }

    /// `count` command buffers of `pool`, or of the main thread's pool.
    pub(crate) fn command_buffers(&self, pool: Option<vk::CommandPool>, count: usize) -> Vec<vk::CommandBuffer> {
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool.unwrap_or(self.pool)).command_buffer_count(count as u32);
        // SAFETY: the pool is this device's and this thread's.
        unsafe { self.device.allocate_command_buffers(&info) }.expect("command buffers")
    }

    /// Starts a recording for one submission or for many.
    pub(crate) fn begin(&self, commands: vk::CommandBuffer, once: bool) {
        let flags = if once { vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT } else { vk::CommandBufferUsageFlags::empty() };
        // SAFETY: the command buffer is not pending, and its pool lets it be reset.
        unsafe { self.device.begin_command_buffer(commands, &vk::CommandBufferBeginInfo::default().flags(flags)) }.expect("a recording");
    }

    /// Ends a recording.
    pub(crate) fn end(&self, commands: vk::CommandBuffer) {
        // SAFETY: it is being recorded.
        unsafe { self.device.end_command_buffer(commands) }.expect("a recording");
    }

    /// A command buffer with the commands of `record`, for many submissions.
    pub(crate) fn recorded(&self, record: impl FnOnce(&Raw, vk::CommandBuffer)) -> vk::CommandBuffer {
        let commands = self.command_buffers(None, 1)[0];
        self.begin(commands, false);
        record(self, commands);
        self.end(commands);
        commands
    }

    /// Records, runs and waits. This is not used for timing.
    pub(crate) fn now(&self, record: impl FnOnce(&Raw, vk::CommandBuffer)) {
        let commands = self.recorded(record);
        let fence = self.fence();
        self.submit(self.queue, &[commands], fence);
        self.block(fence);
        // SAFETY: the work is done, so neither is used any more.
        unsafe {
            self.device.destroy_fence(fence, None);
            self.device.free_command_buffers(self.pool, &[commands]);
        }
    }

    /// Binds a pipeline.
    pub(crate) fn bind(&self, commands: vk::CommandBuffer, pipeline: &Pipeline) {
        // SAFETY: both live and the command buffer is being recorded.
        unsafe { self.device.cmd_bind_pipeline(commands, vk::PipelineBindPoint::COMPUTE, pipeline.handle) };
    }

    /// Binds a descriptor set.
    pub(crate) fn bind_set(&self, commands: vk::CommandBuffer, pipeline: &Pipeline, set: Set) {
        // SAFETY: the set has the pipeline's layout, all live, and the command buffer is being recorded.
        unsafe { self.device.cmd_bind_descriptor_sets(commands, vk::PipelineBindPoint::COMPUTE, pipeline.layout, 0, &[set], &[]) };
    }

    /// Dispatches with the bound pipeline and descriptors.
    pub(crate) fn dispatch(&self, commands: vk::CommandBuffer, x: u32, y: u32) {
        // SAFETY: a pipeline and its descriptors are bound.
        unsafe { self.device.cmd_dispatch(commands, x, y, 1) };
    }

    /// Binds a pipeline and descriptors, and dispatches.
    pub(crate) fn kernel(&self, commands: vk::CommandBuffer, pipeline: &Pipeline, set: Set, grid: (u32, u32)) {
        self.bind(commands, pipeline);
        self.bind_set(commands, pipeline, set);
        self.dispatch(commands, grid.0, grid.1);
    }

    /// Makes the writes of one kernel visible to the next kernel. The access masks are the narrowest possible, because wider masks
    /// cost more than twice as much on some GPUs.
    pub(crate) fn barrier(&self, commands: vk::CommandBuffer) {
        let (write, read) = (vk::AccessFlags::SHADER_WRITE, vk::AccessFlags::SHADER_READ);
        let stage = vk::PipelineStageFlags::COMPUTE_SHADER;
        self.memory_barrier(commands, (stage, write), (stage, read | write));
    }

    /// Lets the next copy or fill overwrite what the one before has written.
    pub(crate) fn copy_barrier(&self, commands: vk::CommandBuffer) {
        let (write, read) = (vk::AccessFlags::TRANSFER_WRITE, vk::AccessFlags::TRANSFER_READ);
        let stage = vk::PipelineStageFlags::TRANSFER;
        self.memory_barrier(commands, (stage, write), (stage, read | write));
    }

    /// Makes the writes of copies visible to kernels.
    pub(crate) fn copy_in_barrier(&self, commands: vk::CommandBuffer) {
        let (write, read) = (vk::AccessFlags::SHADER_WRITE, vk::AccessFlags::SHADER_READ);
        let from = (vk::PipelineStageFlags::TRANSFER, vk::AccessFlags::TRANSFER_WRITE);
        self.memory_barrier(commands, from, (vk::PipelineStageFlags::COMPUTE_SHADER, read | write));
    }

    /// Makes the writes of kernels visible to copies.
    pub(crate) fn copy_out_barrier(&self, commands: vk::CommandBuffer) {
        let from = (vk::PipelineStageFlags::COMPUTE_SHADER, vk::AccessFlags::SHADER_WRITE);
        self.memory_barrier(commands, from, (vk::PipelineStageFlags::TRANSFER, vk::AccessFlags::TRANSFER_READ));
    }

    /// Makes the writes of copies visible to the CPU.
    pub(crate) fn host_barrier(&self, commands: vk::CommandBuffer) {
        let from = (vk::PipelineStageFlags::TRANSFER, vk::AccessFlags::TRANSFER_WRITE);
        self.memory_barrier(commands, from, (vk::PipelineStageFlags::HOST, vk::AccessFlags::HOST_READ));
    }

    fn memory_barrier(
        &self,
        commands: vk::CommandBuffer,
        from: (vk::PipelineStageFlags, vk::AccessFlags),
        to: (vk::PipelineStageFlags, vk::AccessFlags),
    ) {
        let barrier = [vk::MemoryBarrier::default().src_access_mask(from.1).dst_access_mask(to.1)];
        // SAFETY: the command buffer is being recorded; the masks are of the stages.
        unsafe { self.device.cmd_pipeline_barrier(commands, from.0, to.0, vk::DependencyFlags::empty(), &barrier, &[], &[]) };
    }

    /// Copies bytes from (buffer, offset) to (buffer, offset).
    pub(crate) fn copy(&self, commands: vk::CommandBuffer, from: (&Buffer, u64), to: (&Buffer, u64), size: u64) {
        let region = [vk::BufferCopy { src_offset: from.1, dst_offset: to.1, size }];
        // SAFETY: both ranges lie inside of their buffers, which are not the same.
        unsafe { self.device.cmd_copy_buffer(commands, from.0.handle, to.0.handle, &region) };
    }

    /// Fills a whole buffer with a word.
    pub(crate) fn fill(&self, commands: vk::CommandBuffer, buffer: &Buffer, word: u32) {
        // SAFETY: the buffer lives, and the command buffer is being recorded.
        unsafe { self.device.cmd_fill_buffer(commands, buffer.handle, 0, vk::WHOLE_SIZE, word) };
    }
}
