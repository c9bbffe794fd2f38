//! Buffers, each with a memory allocation of its own.

use super::Raw;
use ash::vk;
use avx_gpu_bench::data::{Plain, bytes_of, bytes_of_mut};

/// The kind of memory of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Device memory that the CPU cannot access.
    Device,
    /// Device memory that the CPU can write (ReBAR, unified memory).
    Window,
    /// Device memory that the CPU can write and read (unified memory).
    Unified,
    /// Host memory that the CPU writes in order.
    Upload,
    /// Host memory that is cached, for the CPU to read.
    Readback,
}

/// A buffer and its memory, which is mapped if the CPU can access it.
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    pub(crate) handle: vk::Buffer,
    memory: vk::DeviceMemory,
    /// The address for the CPU. It is null for [`Kind::Device`].
    pub(crate) pointer: *mut u8,
    pub(crate) size: u64,
}

// SAFETY: the address is of memory that lives until `free`, and who shares a buffer among threads gives each a range of its own.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Raw {
    fn memory_type(&self, bits: u32, want: vk::MemoryPropertyFlags, avoid: vk::MemoryPropertyFlags) -> Option<u32> {
        let flags = |i: u32| self.memory.memory_types[i as usize].property_flags;
        let fits = |i: &u32| bits >> i & 1 == 1 && flags(*i).contains(want);
        (0..self.memory.memory_type_count).filter(fits).min_by_key(|i| (flags(*i) & avoid).as_raw().count_ones())
    }

    /// Creates a buffer, or returns the error.
    pub(crate) fn try_buffer(&self, size: u64, kind: Kind) -> Result<Buffer, vk::Result> {
        use vk::MemoryPropertyFlags as F;
        let mapped = F::HOST_VISIBLE | F::HOST_COHERENT;
        let (want, avoid) = match kind {
            Kind::Device => (F::DEVICE_LOCAL, F::HOST_VISIBLE),
            Kind::Window => (F::DEVICE_LOCAL | mapped, F::HOST_CACHED),
            Kind::Unified => (F::DEVICE_LOCAL | mapped | F::HOST_CACHED, F::empty()),
            Kind::Upload => (mapped, F::DEVICE_LOCAL | F::HOST_CACHED),
            Kind::Readback => (mapped | F::HOST_CACHED, F::DEVICE_LOCAL),
        };
        let usage = vk::BufferUsageFlags::STORAGE_BUFFER | vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;
        // SAFETY: the device is open; the memory has the size and a type that the buffer requires and is bound once. If a call
        // fails, the objects that were created before it leak, and no code uses them.
        unsafe {
            let handle = self.device.create_buffer(&vk::BufferCreateInfo::default().size(size).usage(usage), None)?;
            let needs = self.device.get_buffer_memory_requirements(handle);
            let kind = self.memory_type(needs.memory_type_bits, want, avoid).ok_or(vk::Result::ERROR_FEATURE_NOT_PRESENT)?;
            let info = vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(kind);
            let memory = self.device.allocate_memory(&info, None)?;
            self.device.bind_buffer_memory(handle, memory, 0)?;
            let pointer = match want.contains(F::HOST_VISIBLE) {
                true => self.device.map_memory(memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty())?.cast(),
                false => std::ptr::null_mut(),
            };
            Ok(Buffer { handle, memory, pointer, size })
        }
    }

    /// Creates a buffer.
    pub(crate) fn buffer(&self, size: usize, kind: Kind) -> Buffer {
        self.try_buffer(size as u64, kind).expect("memory")
    }

    /// Frees a buffer that no pending work uses.
    pub(crate) fn free(&self, buffer: Buffer) {
        // SAFETY: the callers have waited for the buffer's last use.
        unsafe {
            self.device.destroy_buffer(buffer.handle, None);
            self.device.free_memory(buffer.memory, None);
        }
    }

    /// Imports the caller's memory as a buffer, and returns the offset at which the memory starts in the buffer. `None` if the
    /// driver does not accept the memory.
    pub(crate) fn import(&self, pointer: *mut u8, size: usize) -> Option<(Buffer, u64)> {
        let (functions, alignment) = self.import.as_ref()?;
        let start = pointer as u64 / alignment * alignment;
        let end = (pointer as u64 + size as u64).next_multiple_of(*alignment);
        let kind = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;
        let mut fits = vk::MemoryHostPointerPropertiesEXT::default();
        let usage = vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;
        // SAFETY: the extension is enabled; the pages from `start` to `end` hold the caller's memory, which outlives the buffer.
        unsafe {
            let ask = functions.fp().get_memory_host_pointer_properties_ext;
            ask(self.device.handle(), kind, start as *const _, &mut fits).result().ok()?;
            let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(kind);
            let info = vk::BufferCreateInfo::default().size(end - start).usage(usage).push_next(&mut external);
            let handle = self.device.create_buffer(&info, None).ok()?;
            let needs = self.device.get_buffer_memory_requirements(handle);
            let none = vk::MemoryPropertyFlags::empty();
            let index = self.memory_type(needs.memory_type_bits & fits.memory_type_bits, none, vk::MemoryPropertyFlags::DEVICE_LOCAL)?;
            let mut from = vk::ImportMemoryHostPointerInfoEXT::default().handle_type(kind).host_pointer(start as *mut _);
            let info = vk::MemoryAllocateInfo::default().allocation_size(end - start).memory_type_index(index).push_next(&mut from);
            let memory = self.device.allocate_memory(&info, None).ok()?;
            self.device.bind_buffer_memory(handle, memory, 0).ok()?;
            Some((Buffer { handle, memory, pointer, size: size as u64 }, pointer as u64 - start))
        }
    }

    /// Copies `data` to the start of the buffer, directly or through staging memory. This is not used for timing.
    pub(crate) fn put<T: Plain>(&self, buffer: &Buffer, data: &[T]) {
        let bytes = bytes_of(data);
        let staging = self.buffer(bytes.len(), Kind::Upload);
        // SAFETY: the staging memory is as long as the data, mapped, and no other code uses it.
        unsafe { staging.pointer.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.now(|raw, commands| raw.copy(commands, (&staging, 0), (buffer, 0), bytes.len() as u64));
        self.free(staging);
    }

    /// Copies the start of the buffer into `data`, directly or through staging memory. This is not used for timing.
    pub(crate) fn get<T: Plain>(&self, buffer: &Buffer, data: &mut [T]) {
        let bytes = bytes_of_mut(data);
        let staging = self.buffer(bytes.len(), Kind::Readback);
        self.now(|raw, commands| {
            raw.copy(commands, (buffer, 0), (&staging, 0), bytes.len() as u64);
            raw.host_barrier(commands);
        });
        // SAFETY: the staging memory is as long as the data, mapped, and the copy into it is done.
        unsafe { staging.pointer.copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
        self.free(staging);
    }
}
