//! Blocks of memory from the driver. A block is a `VkBuffer` that is bound to device memory of its own. Only this file asks the driver for
//! memory.
//!
//! gpu-allocator allocates, maps and frees the memory. Each block is a dedicated allocation of exactly the size that its VkBuffer needs.
//! Several allocations share a block inside its VkBuffer (`slabs`). gpu-allocator's own blocks of at least 4 MiB are therefore never used,
//! and no memory is reserved twice. This library chooses the memory type: the type bits that gpu-allocator gets contain only that type.

use crate::vulkan::error::{Error, ErrorKind, Result};
use ash::vk;
use ash::vk::Handle;
use gpu_allocator::vulkan as gpu;
use gpu_allocator::{AllocationError, AllocationSizes, AllocatorDebugSettings, MemoryLocation};
use std::ptr::NonNull;

/// Names a Vulkan object for debuggers and validation messages. The arguments are its type, its handle and the name.
pub(crate) type NameObject = Box<dyn Fn(vk::ObjectType, u64, &str) + Send + Sync>;

/// A VkBuffer and its memory.
pub(crate) struct Block {
    pub(crate) buffer: vk::Buffer,
    memory: gpu::Allocation,
}

impl Block {
    /// The number of bytes taken from the driver.
    pub(crate) fn reserved(&self) -> u64 {
        self.memory.size()
    }

    /// The address of the first byte for the CPU, if the memory type is host-visible.
    pub(crate) fn pointer(&self) -> Option<NonNull<u8>> {
        self.memory.mapped_ptr().map(NonNull::cast)
    }
}

/// Creates and destroys blocks.
pub(crate) struct Blocks {
    allocator: gpu::Allocator,
    device: ash::Device,
    usage: vk::BufferUsageFlags,
    queue_families: Vec<u32>,
    name: Option<NameObject>,
    /// The memory types that `vkGetBufferMemoryRequirements` allows for the buffers of blocks.
    type_bits: u32,
    /// The number of bytes that tests still allow to be taken.
    #[cfg(test)]
    pub(super) left: u64,
}

impl Blocks {
    /// `addresses`: bufferDeviceAddress is enabled on the device. `queue_families`: the families that will use the buffers, each once.
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

    /// Bit i is set if buffers can be in memory type i. The bits are the same for all buffers of one usage.
    pub(crate) fn type_bits(&self) -> u32 {
        self.type_bits
    }

    /// Creates a block of `size` bytes (not 0) in memory of type `memory_type`, named `label`. Errors: `OutOfDeviceMemory`;
    /// `NotMapped` if the memory cannot be mapped; `OutOfHostMemory`; `Limit` for too many blocks; other errors of the driver.
    pub(crate) fn create(&mut self, memory_type: u32, size: u64, label: &str) -> Result<Block> {
        #[cfg(test)]
        if size > self.left {
            return Err(Error::new(ErrorKind::OutOfDeviceMemory, "a test left no more"));
        }
        let buffer = self.create_buffer(size)?;
        // SAFETY: `buffer` is a living buffer of this device, created one line above.
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
                // SAFETY: `buffer` was created above, is bound to nothing, and no other code has its handle.
                unsafe { self.device.destroy_buffer(buffer, None) };
                return Err(of_allocator(&error, memory_type));
            }
        };
        // SAFETY: both belong to this device; the memory was allocated for this buffer (its size, one of its types, dedicated to it) and is
        // not bound yet; offset 0 is a multiple of every alignment.
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
            // SAFETY: the handle is only used to name the object; nothing is freed or bound through it.
            name(vk::ObjectType::DEVICE_MEMORY, unsafe { block.memory.memory() }.as_raw(), label);
        }
        Ok(block)
    }

    /// Destroys a block of this device. No work on the device may use it any more.
    pub(crate) fn destroy(&mut self, block: Block) {
        #[cfg(test)]
        (self.left = self.left.saturating_add(block.reserved()));
        // SAFETY: the block was created by `create` on this device and is taken by value, so it is destroyed once; by this function's
        // contract no work uses it.
        unsafe { self.device.destroy_buffer(block.buffer, None) };
        // This only fails for memory of another allocator, whose blocks never get here; in that case nothing changed.
        let freed = self.allocator.free(block.memory);
        debug_assert!(freed.is_ok(), "{freed:?}");
    }

    /// The memory type bits of a buffer with the usage of blocks.
    fn probe(&self) -> Result<u32> {
        let buffer = self.create_buffer(256)?;
        // SAFETY: `buffer` is a living buffer of this device.
        let bits = unsafe { self.device.get_buffer_memory_requirements(buffer) }.memory_type_bits;
        // SAFETY: `buffer` was created above, is bound to nothing, and no other code has its handle.
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
        // SAFETY: the device is alive (`Memory` is dropped before it); `info` and the families that it points to live through the call.
        unsafe { self.device.create_buffer(&info, None) }.map_err(|result| Error::of("vkCreateBuffer", result))
    }
}

/// Converts an error of gpu-allocator. Only out of device memory has a case of its own there; other errors are texts that name the
/// VkResult, and those of vkMapMemory describe it.
fn of_allocator(error: &AllocationError, memory_type: u32) -> Error {
    let kind = match error {
        AllocationError::OutOfMemory => ErrorKind::OutOfDeviceMemory,
        AllocationError::FailedToMap(text) if *text == vk::Result::ERROR_DEVICE_LOST.to_string() => ErrorKind::DeviceLost,
        AllocationError::FailedToMap(_) => ErrorKind::NotMapped,
        AllocationError::Internal(text) if text.contains("ERROR_OUT_OF_HOST_MEMORY") => ErrorKind::OutOfHostMemory,
        AllocationError::Internal(text) if text.contains("ERROR_TOO_MANY_OBJECTS") => ErrorKind::Limit,
        AllocationError::Internal(text) if text.contains("ERROR_DEVICE_LOST") => ErrorKind::DeviceLost,
        _ => ErrorKind::Driver,
    };
    Error::new(kind, format!("memory of type {memory_type}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_cannot_be_mapped_is_no_full_device() {
        let kind = |error| of_allocator(&error, 3).kind;
        assert_eq!(kind(AllocationError::OutOfMemory), ErrorKind::OutOfDeviceMemory);
        for result in [vk::Result::ERROR_MEMORY_MAP_FAILED, vk::Result::ERROR_OUT_OF_HOST_MEMORY, vk::Result::ERROR_OUT_OF_DEVICE_MEMORY] {
            assert_eq!(kind(AllocationError::FailedToMap(result.to_string())), ErrorKind::NotMapped, "{result:?}");
        }
        assert_eq!(kind(AllocationError::FailedToMap(vk::Result::ERROR_DEVICE_LOST.to_string())), ErrorKind::DeviceLost);
    }
}
