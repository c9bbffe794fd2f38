//! The user's own pages as memory of the device (VK_EXT_external_memory_host).

use crate::vulkan::commands::Slice;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, Kind, Result};
use ash::vk;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Host memory that the device reads and writes itself. Whoever drops it has waited for the work that does so.
pub(crate) struct Imported {
    device: Arc<Device>,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    /// Where the first byte lies in the buffer, which starts at a page.
    first: u64,
    size: u64,
}

const HANDLE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;

impl Imported {
    /// Makes pages known to the device. They stay mapped as long as the value lives: the lifetime says so.
    ///
    /// Kind::Unsupported where the device cannot, or the driver does not take this memory; Kind::OutOfHostMemory,
    /// Kind::OutOfDeviceMemory.
    pub(crate) fn new(device: &Arc<Device>, pages: &'static mut [MaybeUninit<u8>]) -> Result<Imported> {
        let snapshot = device.snapshot();
        let Some(functions) = device.external_memory_host() else {
            let text = format!("\"{}\" cannot use the host's memory in place (VK_EXT_external_memory_host)", snapshot.name);
            return Err(Error::new(Kind::Unsupported, text));
        };
        let refused = |what, e: vk::Result| match Error::of(what, e) {
            error if matches!(error.kind, Kind::OutOfHostMemory | Kind::OutOfDeviceMemory | Kind::DeviceLost) => error,
            error => Error::new(Kind::Unsupported, format!("the driver does not take this memory: {}", error.message)),
        };
        let alignment = snapshot.host_pointer_alignment.max(1);
        let address = pages.as_mut_ptr().expose_provenance() as u64;
        let start = address / alignment * alignment;
        let end = (address + pages.len() as u64).next_multiple_of(alignment);
        let pointer: *mut std::ffi::c_void = std::ptr::with_exposed_provenance_mut(start as usize);

        let mut properties = vk::MemoryHostPointerPropertiesEXT::default();
        // SAFETY: the extension is on; the pointer is aligned as it asks and lies in pages that the caller's bytes keep mapped.
        unsafe {
            (functions.fp().get_memory_host_pointer_properties_ext)(device.raw().handle(), HANDLE, pointer, &mut properties).result()
        }
        .map_err(|e| refused("vkGetMemoryHostPointerPropertiesEXT", e))?;
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(HANDLE);
        let usage = vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;
        let info = vk::BufferCreateInfo::default().size(end - start).usage(usage).push_next(&mut external);
        // SAFETY: the device is alive; the info and what it links live through the call.
        let buffer = unsafe { device.raw().create_buffer(&info, None) }.map_err(|e| refused("vkCreateBuffer", e))?;
        // From here on what is made goes with the value.
        let mut imported =
            Imported { device: device.clone(), buffer, memory: vk::DeviceMemory::null(), first: address - start, size: pages.len() as u64 };
        // SAFETY: the buffer was made just now.
        let requirements = unsafe { device.raw().get_buffer_memory_requirements(buffer) };
        let types = requirements.memory_type_bits & properties.memory_type_bits;
        let of_host = |i: &u32| {
            let flags = snapshot.memory.memory_types[*i as usize].property_flags;
            flags.contains(vk::MemoryPropertyFlags::HOST_COHERENT) && types & (1 << i) != 0
        };
        let cached = |i: &u32| snapshot.memory.memory_types[*i as usize].property_flags.contains(vk::MemoryPropertyFlags::HOST_CACHED);
        let candidates = || (0..snapshot.memory.memory_type_count.min(32)).filter(of_host);
        let Some(memory_type) = candidates().find(cached).or_else(|| candidates().next()) else {
            return Err(Error::new(Kind::Unsupported, "the driver has no type of memory for these pages"));
        };
        let mut import = vk::ImportMemoryHostPointerInfoEXT::default().handle_type(HANDLE).host_pointer(pointer);
        let info = vk::MemoryAllocateInfo::default().allocation_size(end - start).memory_type_index(memory_type).push_next(&mut import);
        // SAFETY: pointer and size are aligned as the extension asks; the pages stay mapped for as long as this lives.
        imported.memory = unsafe { device.raw().allocate_memory(&info, None) }.map_err(|e| refused("vkAllocateMemory", e))?;
        // SAFETY: both are of this device, and neither is bound yet.
        unsafe { device.raw().bind_buffer_memory(buffer, imported.memory, 0) }.map_err(|e| refused("vkBindBufferMemory", e))?;
        device.set_name(buffer, "avx_gpu registered host memory");
        Ok(imported)
    }

    /// `size` of its bytes from `offset` on, which lie inside.
    pub(crate) fn slice(&self, offset: u64, size: u64) -> Slice {
        Slice { buffer: self.buffer, offset: self.first, size: self.size }.part(offset, size)
    }
}

impl Drop for Imported {
    fn drop(&mut self) {
        // SAFETY: made by this device (or null, which is allowed); by the type's contract no work uses them any more.
        unsafe {
            self.device.raw().destroy_buffer(self.buffer, None);
            self.device.raw().free_memory(self.memory, None);
        }
    }
}
