//! Blocks: one `VkBuffer` each, bound to one piece of device memory of its own. All that the driver is asked for memory is here.
//!
//! gpu-allocator makes, maps and frees the memory. Each block is a dedicated allocation of exactly the bytes that its VkBuffer needs;
//! sharing is done above, inside VkBuffers (`slabs`), so gpu-allocator's own blocks, of 4 MiB at least, are never used and nothing
//! is reserved twice. Which memory type serves is our choice: the type bits that gpu-allocator sees hold that one type.

use crate::vulkan::error::{Error, ErrorKind, Result};
use ash::vk;
use ash::vk::Handle;
use gpu_allocator::vulkan as gpu;
use gpu_allocator::{AllocationError, AllocationSizes, AllocatorDebugSettings, MemoryLocation};
use std::ptr::NonNull;

/// Names a Vulkan object for debuggers and validation messages: its type, its handle, the name.
pub(crate) type NameObject = Box<dyn Fn(vk::ObjectType, u64, &str) + Send + Sync>;

/// A VkBuffer and its memory.
pub(crate) struct Block {
    pub(crate) buffer: vk::Buffer,
    memory: gpu::Allocation,
}

impl Block {
    /// Bytes taken from the driver.
    pub(crate) fn reserved(&self) -> u64 {
        self.memory.size()
    }

    /// Where the CPU sees the first byte, if the memory type is host-visible.
    pub(crate) fn pointer(&self) -> Option<NonNull<u8>> {
        self.memory.mapped_ptr().map(NonNull::cast)
    }
}

/// Makes and destroys blocks.
pub(crate) struct Blocks {
    allocator: gpu::Allocator,
    device: ash::Device,
    usage: vk::BufferUsageFlags,
    queue_families: Vec<u32>,
    name: Option<NameObject>,
    /// What `vkGetBufferMemoryRequirements` allows for such buffers.
    type_bits: u32,
    /// Bytes that tests leave to be had.
    #[cfg(test)]
    pub(super) left: u64,
}

impl Blocks {
    /// `addresses`: bufferDeviceAddress is enabled on the device. `queue_families`: those that will use the buffers, each once.
    pub(crate) fn new(
        instance: &ash::Instance,
        physical: vk::PhysicalDevice,
        device: &ash::Device,
        addresses: bool,
        queue_families: &[u32],
        name: Option<NameObject>,
    ) -> Result<Blocks> {
        let mut debug_settings = AllocatorDebugSettings::default();
        debug_settings.log_leaks_on_shutdown = false; // `Memory` frees all blocks first, whatever the caller kept.
        let allocator = gpu::Allocator::new(&gpu::AllocatorCreateDesc {
            instance: instance.clone(),
            device: device.clone(),
            physical_device: physical,
            debug_settings,
            buffer_device_address: addresses,
            allocation_sizes: AllocationSizes::default(), // for shared blocks, of which there are none
        })
        .map_err(|e| Error::new(ErrorKind::Driver, format!("the memory of the device could not be set up: {e}")))?;
        let mut usage = vk::BufferUsageFlags::STORAGE_BUFFER
            | vk::BufferUsageFlags::UNIFORM_BUFFER
            | vk::BufferUsageFlags::TRANSFER_SRC
            | vk::BufferUsageFlags::TRANSFER_DST
            | vk::BufferUsageFlags::INDIRECT_BUFFER;
        if addresses {
            usage |= vk::BufferUsageFlags::SHADER_DEVICE_ADDRESS;
        }
        let mut blocks = Blocks {
            allocator,
            device: device.clone(),
            usage,
            queue_families: queue_families.to_vec(),
            name,
            type_bits: 0,
            #[cfg(test)]
            left: u64::MAX,
        };
        blocks.type_bits = blocks.probe()?;
        Ok(blocks)
    }

    /// Bit i: buffers can lie in memory type i. It is the same for all buffers of one usage.
    pub(crate) fn type_bits(&self) -> u32 {
        self.type_bits
    }

    /// A block of `size` bytes (not 0) in memory of type `memory_type`, named `label`. ErrorKind::OutOfDeviceMemory (also where the memory
    /// cannot be mapped), ErrorKind::OutOfHostMemory, ErrorKind::Limit for too many of them, else as the driver says.
    pub(crate) fn create(&mut self, memory_type: u32, size: u64, label: &str) -> Result<Block> {
        #[cfg(test)]
        if size > self.left {
            return Err(Error::new(ErrorKind::OutOfDeviceMemory, "a test left no more"));
        }
        let buffer = self.create_buffer(size)?;
        // SAFETY: `buffer` is a living buffer of this device, made one line above.
        let mut requirements = unsafe { self.device.get_buffer_memory_requirements(buffer) };
        requirements.memory_type_bits &= 1u32.checked_shl(memory_type).unwrap_or(0);
        let memory = self.allocator.allocate(&gpu::AllocationCreateDesc {
            name: label,
            requirements,
            location: MemoryLocation::Unknown, // asks nothing of the type; the one bit left decides
            linear: true,
            allocation_scheme: gpu::AllocationScheme::DedicatedBuffer(buffer),
        });
        let memory = match memory {
            Ok(memory) => memory,
            Err(error) => {
                // SAFETY: `buffer` was made above, is bound to nothing and nobody else knows it.
                unsafe { self.device.destroy_buffer(buffer, None) };
                return Err(of_allocator(&error, memory_type));
            }
        };
        // SAFETY: both are of this device; the memory was made for this buffer (its size, one of its types, dedicated to it) and has
        // not been bound; offset 0 is a multiple of every alignment.
        let bound = unsafe { self.device.bind_buffer_memory(buffer, memory.memory(), memory.offset()) };
        let block = Block { buffer, memory };
        if let Err(result) = bound {
            self.destroy(block);
            return Err(Error::of("vkBindBufferMemory", result));
        }
        #[cfg(test)]
        (self.left -= if self.left == u64::MAX { 0 } else { size });
        if let Some(name) = &self.name {
            name(vk::ObjectType::BUFFER, block.buffer.as_raw(), label);
            // SAFETY: the handle is read to be named; nothing is freed or bound through it.
            name(vk::ObjectType::DEVICE_MEMORY, unsafe { block.memory.memory() }.as_raw(), label);
        }
        Ok(block)
    }

    /// Destroys a block of this device. No work on the device may use it any more.
    pub(crate) fn destroy(&mut self, block: Block) {
        #[cfg(test)]
        (self.left = self.left.saturating_add(block.reserved()));
        // SAFETY: the block was made by `create` on this device and is taken by value, so this is the only destruction; the caller
        // says that no work uses it.
        unsafe { self.device.destroy_buffer(block.buffer, None) };
        // Fails for memory of another allocator only, whose blocks never come here; then nothing was touched.
        let freed = self.allocator.free(block.memory);
        debug_assert!(freed.is_ok(), "{freed:?}");
    }

    /// The memory type bits that a buffer of our usage gets.
    fn probe(&self) -> Result<u32> {
        let buffer = self.create_buffer(256)?;
        // SAFETY: `buffer` is a living buffer of this device.
        let bits = unsafe { self.device.get_buffer_memory_requirements(buffer) }.memory_type_bits;
        // SAFETY: made above, bound to nothing, known to nobody else.
        unsafe { self.device.destroy_buffer(buffer, None) };
        Ok(bits)
    }

    fn create_buffer(&self, size: u64) -> Result<vk::Buffer> {
        let info = vk::BufferCreateInfo::default().size(size).usage(self.usage);
        let info = if self.queue_families.len() > 1 {
            info.sharing_mode(vk::SharingMode::CONCURRENT).queue_family_indices(&self.queue_families)
        } else {
            info.sharing_mode(vk::SharingMode::EXCLUSIVE)
        };
        // SAFETY: the device lives (`Memory` is dropped before it); `info` and the families it points at live through the call.
        unsafe { self.device.create_buffer(&info, None) }.map_err(|result| Error::of("vkCreateBuffer", result))
    }
}

/// The failure of gpu-allocator as one of ours. It has an own case for no device memory alone; others it words, naming the VkResult.
fn of_allocator(error: &AllocationError, memory_type: u32) -> Error {
    let kind = match error {
        AllocationError::OutOfMemory | AllocationError::FailedToMap(_) => ErrorKind::OutOfDeviceMemory,
        AllocationError::Internal(text) if text.contains("ERROR_OUT_OF_HOST_MEMORY") => ErrorKind::OutOfHostMemory,
        AllocationError::Internal(text) if text.contains("ERROR_TOO_MANY_OBJECTS") => ErrorKind::Limit,
        AllocationError::Internal(text) if text.contains("ERROR_DEVICE_LOST") => ErrorKind::DeviceLost,
        _ => ErrorKind::Driver,
    };
    Error::new(kind, format!("memory of type {memory_type}: {error}"))
}
