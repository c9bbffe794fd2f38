//! Imports the caller's own pages as memory of the device (VK_EXT_external_memory_host).

use super::slice::Slice;
use super::types::{MAPPABLE, NEVER};
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, ErrorKind, Result};
use ash::vk;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Host memory that the device can copy from and to directly. It belongs to the caller, so `Usage` does not count it. It may be dropped
/// only after the work that uses it is done.
pub(crate) struct Imported {
    device: Arc<Device>,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    /// The offset of the first byte in the buffer, which starts at a page.
    first: u64,
    size: u64,
}

/// The type of the external memory handle.
const HANDLE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;

impl Imported {
    /// Imports pages into the device. They stay mapped as long as this value lives, as the lifetime ensures.
    ///
    /// Errors: `Unsupported` if the device cannot import memory or the driver rejects this memory; `OutOfHostMemory`, `OutOfDeviceMemory`.
    pub(crate) fn new(device: &Arc<Device>, pages: &'static mut [MaybeUninit<u8>]) -> Result<Imported> {
        let snapshot = device.snapshot();
        let Some(functions) = device.external_memory_host() else {
            let text = format!("\"{}\" cannot use the host's memory in place (VK_EXT_external_memory_host)", snapshot.title);
            return Err(Error::new(ErrorKind::Unsupported, text));
        };
        let refused = |what, e: vk::Result| match Error::of(what, e) {
            error if matches!(error.kind, ErrorKind::OutOfHostMemory | ErrorKind::OutOfDeviceMemory | ErrorKind::DeviceLost) => error,
            error => Error::new(ErrorKind::Unsupported, format!("the driver cannot use this memory: {}", error.message)),
        };
        let unsupported = |text: &str| Err(Error::new(ErrorKind::Unsupported, text));
        let address = pages.as_mut_ptr().expose_provenance() as u64;
        let Some((start, size)) = span(address, pages.len() as u64, snapshot.host_pointer_alignment) else {
            return unsupported("the driver cannot use this memory: the range is empty or ends beyond the address space");
        };
        let pointer: *mut std::ffi::c_void = std::ptr::with_exposed_provenance_mut(start as usize);
        let usage = vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;

        let asked = vk::PhysicalDeviceExternalBufferInfo::default().usage(usage).handle_type(HANDLE);
        let mut answer = vk::ExternalBufferProperties::default();
        // SAFETY: the physical device belongs to this instance; both have at least Vulkan 1.1; both structs live through the call.
        unsafe { device.instance().raw().get_physical_device_external_buffer_properties(snapshot.handle, &asked, &mut answer) };
        let can = answer.external_memory_properties.external_memory_features;
        // Dedicated memory cannot be imported from a pointer (VUID-VkMemoryAllocateInfo-pNext-02806).
        if !can.contains(vk::ExternalMemoryFeatureFlags::IMPORTABLE) || can.contains(vk::ExternalMemoryFeatureFlags::DEDICATED_ONLY) {
            return unsupported("the driver cannot use host memory for buffers");
        }
        let mut properties = vk::MemoryHostPointerPropertiesEXT::default();
        // SAFETY: the extension is enabled; the pointer is aligned as the extension requires and lies in pages that the caller's bytes keep
        // mapped.
        unsafe {
            (functions.fp().get_memory_host_pointer_properties_ext)(device.raw().handle(), HANDLE, pointer, &mut properties).result()
        }
        .map_err(|e| refused("vkGetMemoryHostPointerPropertiesEXT", e))?;
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(HANDLE);
        let info = vk::BufferCreateInfo::default().size(size).usage(usage).push_next(&mut external);
        // SAFETY: the device is alive; the info and its linked structs live through the call.
        let buffer = unsafe { device.raw().create_buffer(&info, None) }.map_err(|e| refused("vkCreateBuffer", e))?;
        // From here on, dropping the value destroys what was created.
        let mut imported =
            Imported { device: device.clone(), buffer, memory: vk::DeviceMemory::null(), first: address - start, size: pages.len() as u64 };
        // SAFETY: the buffer was created just now.
        let requirements = unsafe { device.raw().get_buffer_memory_requirements(buffer) };
        if requirements.size > size {
            return unsupported("the driver cannot use this memory: its buffers need more than whole pages");
        }
        let Some(memory_type) = best_type(&snapshot.memory, requirements.memory_type_bits & properties.memory_type_bits) else {
            return unsupported("the driver has no memory type for these pages");
        };
        let mut import = vk::ImportMemoryHostPointerInfoEXT::default().handle_type(HANDLE).host_pointer(pointer);
        let info = vk::MemoryAllocateInfo::default().allocation_size(size).memory_type_index(memory_type).push_next(&mut import);
        // SAFETY: pointer and size are aligned as the extension requires; the pages stay mapped as long as this value lives.
        imported.memory = unsafe { device.raw().allocate_memory(&info, None) }.map_err(|e| refused("vkAllocateMemory", e))?;
        // SAFETY: both belong to this device, and neither is bound yet.
        unsafe { device.raw().bind_buffer_memory(buffer, imported.memory, 0) }.map_err(|e| refused("vkBindBufferMemory", e))?;
        device.set_name(buffer, "avx_gpu registered host memory");
        Ok(imported)
    }

    /// The range of `size` bytes from `offset` on, which must lie inside.
    pub(crate) fn slice(&self, offset: u64, size: u64) -> Slice {
        Slice { buffer: self.buffer, offset: self.first, size: self.size }.part(offset, size)
    }
}

/// Rounds the `size` bytes at `address` outwards to multiples of `alignment`. Returns the start and the size of the result; `None` for no
/// bytes and if the end overflows.
fn span(address: u64, size: u64, alignment: u64) -> Option<(u64, u64)> {
    let alignment = alignment.max(1);
    let start = address / alignment * alignment;
    let end = address.checked_add(size)?.checked_next_multiple_of(alignment)?;
    (size > 0).then_some((start, end - start))
}

/// The memory type for pages of the host, out of those whose bit is set in `usable`. It is coherent, and cached if there is such a type,
/// because the pages themselves are cached.
fn best_type(properties: &vk::PhysicalDeviceMemoryProperties, usable: u32) -> Option<u32> {
    let flags = |i: u32| properties.memory_types_as_slice().get(i as usize).map_or(NEVER, |t| t.property_flags);
    let mut serving = (0..32).filter(|&i| usable & (1 << i) != 0 && flags(i).contains(MAPPABLE) && !flags(i).intersects(NEVER));
    let cached = serving.clone().find(|&i| flags(i).contains(vk::MemoryPropertyFlags::HOST_CACHED));
    cached.or_else(|| serving.next())
}

impl Drop for Imported {
    fn drop(&mut self) {
        // SAFETY: both were created by this device (or are null, which is allowed); by the type's contract no work uses them any more.
        unsafe {
            self.device.raw().destroy_buffer(self.buffer, None);
            self.device.raw().free_memory(self.memory, None);
        }
    }
}

#[cfg(test)]
mod tests;
