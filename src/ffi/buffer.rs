//! Section "buffer" of the header: memory and what moves it.

use super::boundary::{self, Token as _};
use super::device::avx_device;
use super::sized::{self, Sized32};
use super::status::avx_status;
use super::stream::avx_stream;
use crate::runtime::api::buffer;
use crate::runtime::api::host_memory;
use crate::runtime::api::{copy_fill, device, mapping, transfer};
use crate::runtime::base::error::{Result, invalid};
use crate::runtime::kernel::properties::BufferProperties;
use std::ffi::{c_char, c_void};

/// What lies behind an avx_buffer.
pub struct avx_buffer_t;
/// A range of device memory of any size up to the heap's.
pub type avx_buffer = *mut avx_buffer_t;

/// Memory kinds. The device's own memory, for kernels.
pub const AVX_MEMORY_DEVICE: u32 = 0;
/// Host-visible memory that the CPU writes in order and kernels read; can be mapped. Reading it through a mapping is slow.
pub const AVX_MEMORY_UPLOAD: u32 = 1;
/// Host-visible, host-cached memory that kernels write and the CPU reads; can be mapped.
pub const AVX_MEMORY_READBACK: u32 = 2;
/// Memory that the CPU has in its caches and the device has near, where there is such memory. Not in this version:
/// AVX_ERROR_UNSUPPORTED.
pub const AVX_MEMORY_SHARED: u32 = 3;
/// Flag for each kind: the buffer starts as zeros. Without it the content is undefined.
pub const AVX_MEMORY_ZEROED: u32 = 0x100;

/// avx_map: the CPU reads.
pub const AVX_MAP_READ: u32 = 1;
/// avx_map: the CPU writes.
pub const AVX_MAP_WRITE: u32 = 2;
/// avx_map: the mapping stays while kernels run, and the caller orders its accesses by events. Not in this version:
/// AVX_ERROR_UNSUPPORTED.
pub const AVX_MAP_PERSISTENT: u32 = 4;

/// Options of avx_buffer_create. Zero means the default in every field but struct_size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_buffer_options {
    /// sizeof(avx_buffer_options)
    pub struct_size: u32,
    /// AVX_MEMORY_... kind | flags.
    pub memory: u32,
    /// Bytes.
    pub size: u64,
    /// The start's alignment in bytes: a power of two up to 65536. 0: one that suits every binding (256 at least).
    pub alignment: u64,
    /// The buffer's name in messages; NULL: none.
    pub label: *const c_char,
}

/// What a buffer is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_buffer_properties {
    /// In: sizeof(avx_buffer_properties). Out: the bytes filled.
    pub struct_size: u32,
    /// AVX_MEMORY_... kind | flags it was made with.
    pub memory: u32,
    /// Bytes.
    pub size: u64,
    /// The start's alignment in bytes.
    pub alignment: u64,
    /// 1 if avx_map works on it.
    pub host_visible: u32,
    /// 1 while it is mapped.
    pub mapped: u32,
    /// Its name, cut to fit.
    pub label: [c_char; 128],
}

/// Allocates `size` bytes (0 is valid) of `memory`, an AVX_MEMORY_... kind | flags. The content is undefined without
/// AVX_MEMORY_ZEROED. May block, where memory is short and queued work still uses some that was freed.
/// AVX_ERROR_OUT_OF_DEVICE_MEMORY with the numbers, AVX_ERROR_LIMIT for more than a buffer of this device can have,
/// AVX_ERROR_UNSUPPORTED for AVX_MEMORY_SHARED.
///
/// # Safety
/// `buffer` is NULL or writable.
#[unsafe(export_name = "avx_gpu_alloc")]
pub unsafe extern "C" fn avx_alloc(device: avx_device, size: u64, memory: u32, buffer: *mut avx_buffer) -> avx_status {
    boundary::call("avx_alloc", || {
        // SAFETY: `buffer` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(buffer, "buffer") }?;
        let options = buffer::Options { size, memory, ..buffer::Options::default() };
        out.set(avx_buffer::from_token(buffer::create(device.token(), &options)?));
        Ok(())
    })
}

/// avx_alloc with options: a label, an alignment. May block, and its errors are those of avx_alloc.
///
/// # Safety
/// `options` is NULL or points to its struct_size bytes with NUL-terminated texts; `buffer` is NULL or writable.
#[unsafe(export_name = "avx_gpu_buffer_create")]
pub unsafe extern "C" fn avx_buffer_create(device: avx_device, options: *const avx_buffer_options, buffer: *mut avx_buffer) -> avx_status {
    boundary::call("avx_buffer_create", || {
        // SAFETY: `buffer` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(buffer, "buffer") }?;
        // SAFETY: `options` is NULL or points to its struct_size bytes, its texts NUL-terminated, says the caller.
        let options = unsafe { buffer_options(options) }?;
        out.set(avx_buffer::from_token(buffer::create(device.token(), &options)?));
        Ok(())
    })
}

/// Frees a buffer. The handle is invalid at once; the memory goes when the queued work that uses it is done. A mapping of the
/// buffer ends. NULL does nothing. Never waits.
#[unsafe(export_name = "avx_gpu_free")]
pub extern "C" fn avx_free(buffer: avx_buffer) -> avx_status {
    boundary::free("avx_free", || if buffer.is_null() { Ok(()) } else { buffer::free(buffer.token()) })
}

/// Queues: `size` bytes from `data` into the buffer at byte `offset`, any alignment. When the call returns, `data` may be reused. A
/// size of 0 ignores `data`. May block, while the device works off earlier transfers. AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_MAPPED,
/// AVX_ERROR_TIMEOUT (a part may be written then), AVX_ERROR_OUT_OF_DEVICE_MEMORY.
///
/// # Safety
/// `data` holds `size` readable bytes.
#[unsafe(export_name = "avx_gpu_write")]
pub unsafe extern "C" fn avx_write(stream: avx_stream, buffer: avx_buffer, offset: u64, data: *const c_void, size: u64) -> avx_status {
    boundary::call("avx_write", || {
        // SAFETY: `data` holds `size` readable bytes, says the caller.
        let data = unsafe { boundary::bytes(data, size, "data") }?;
        transfer::write(stream.token(), buffer.token(), offset, data, transfer::Keep::Call)
    })
}

/// Copies `size` bytes of the buffer from byte `offset` to `data`, any alignment, after the work queued before it that wrote them.
/// It waits for that work alone. It also returns, once, the failure of earlier work of the stream. With AVX_ERROR_ASSERTION (an
/// assertion of a kernel that was queued before did not hold) all bytes are at `data` as with AVX_OK; with any other failure the
/// content of `data` is undefined. A size of 0 ignores `data`. May block. AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_MAPPED,
/// AVX_ERROR_TIMEOUT, AVX_ERROR_UNSUPPORTED on a stream that records, AVX_ERROR_OUT_OF_DEVICE_MEMORY.
///
/// # Safety
/// `data` holds `size` writable bytes.
#[unsafe(export_name = "avx_gpu_read")]
pub unsafe extern "C" fn avx_read(stream: avx_stream, buffer: avx_buffer, offset: u64, data: *mut c_void, size: u64) -> avx_status {
    boundary::call("avx_read", || {
        // SAFETY: `data` holds `size` writable bytes, says the caller.
        let data = unsafe { boundary::bytes_out(data, size, "data") }?;
        transfer::read(stream.token(), buffer.token(), offset, data)
    })
}

/// Queues: avx_write with memory that the caller leaves alone. The bytes at `data` must stay as they are until the stream has
/// passed the write (avx_event_wait, avx_stream_synchronize and avx_device_synchronize tell), also after a timeout. From memory
/// that avx_host_register knows the device takes the bytes itself while the caller goes on; bytes of other memory are copied during
/// the call, and on a stream that records always, but programs must not count on it. May block, but never for registered memory:
/// copied bytes that the device has not taken yet occupy at most 1 GiB (and a ring of 96 MiB, which avx_write uses too) or what
/// memory there is, and beyond that the call waits until the device has taken enough of them. AVX_ERROR_OUT_OF_RANGE,
/// AVX_ERROR_MAPPED, AVX_ERROR_TIMEOUT in such a wait (a part may be written then), AVX_ERROR_OUT_OF_DEVICE_MEMORY.
///
/// # Safety
/// `data` holds `size` readable bytes that nobody changes until the stream has passed the write.
#[unsafe(export_name = "avx_gpu_write_async")]
pub unsafe extern "C" fn avx_write_async(
    stream: avx_stream,
    buffer: avx_buffer,
    offset: u64,
    data: *const c_void,
    size: u64,
) -> avx_status {
    boundary::call("avx_write_async", || {
        // SAFETY: `data` holds `size` readable bytes, says the caller.
        let data = unsafe { boundary::bytes(data, size, "data") }?;
        transfer::write(stream.token(), buffer.token(), offset, data, transfer::Keep::Stream)
    })
}

/// Queues: avx_read without the wait. The bytes are at `data` once a wait or a status call has told that the stream has passed the
/// read (avx_event_wait, avx_event_status, avx_stream_synchronize, avx_stream_status, avx_device_synchronize). Until then the
/// memory at `data` is the library's, which may write there at any time, also after a timeout. avx_destroy delivers what is left. Any
/// number of reads may be in flight, and no call waits for a later one of the program. A call may copy the bytes of earlier reads
/// that are done to their `data`. Of two reads into the same memory that are ordered, the later one stays. May block, but never for
/// registered memory: other reads in flight occupy at most 1 GiB of staging memory (256 bytes at least for each) or what memory
/// there is, and beyond that the call waits until the device is done with enough earlier reads; a read of more than 1 GiB is done at
/// the call. AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_MAPPED, AVX_ERROR_TIMEOUT in such a wait (nothing is queued then),
/// AVX_ERROR_UNSUPPORTED on a stream that records, AVX_ERROR_OUT_OF_DEVICE_MEMORY.
///
/// # Safety
/// `data` holds `size` writable bytes that nobody touches until the stream has passed the read.
#[unsafe(export_name = "avx_gpu_read_async")]
pub unsafe extern "C" fn avx_read_async(stream: avx_stream, buffer: avx_buffer, offset: u64, data: *mut c_void, size: u64) -> avx_status {
    boundary::call("avx_read_async", || {
        // SAFETY: `data` holds `size` writable bytes that nobody touches until the stream has passed the read, and the library is done
        // with them before it tells so.
        let data = unsafe { boundary::bytes_out(data, size, "data") }?;
        transfer::read_async(stream.token(), buffer.token(), offset, data)
    })
}

/// Makes `size` bytes of the caller's memory at `pointer` known to the device, so that large writes from it and reads into it go
/// over the bus at full speed with no copy between. It costs some 260 us and 90 ms per GiB, so it is for memory that is used again
/// and again. `flags` is 0. AVX_ERROR_INVALID_ARGUMENT for a region that overlaps one that is known, AVX_ERROR_UNSUPPORTED where
/// the device cannot do it or the driver does not take this memory.
///
/// # Safety
/// The memory stays mapped until avx_host_unregister or avx_destroy has returned.
#[unsafe(export_name = "avx_gpu_host_register")]
pub unsafe extern "C" fn avx_host_register(device: avx_device, pointer: *mut c_void, size: u64, flags: u32) -> avx_status {
    boundary::call("avx_host_register", || {
        if flags != 0 {
            return Err(invalid(format!("flags has unknown bits {flags:#x}; it is 0 in this version")));
        }
        // SAFETY: the memory is mapped until it is unregistered, says the caller; it is used by its address alone.
        let memory = unsafe { boundary::bytes_out(pointer, size, "pointer") }?;
        host_memory::register(device.token(), memory)
    })
}

/// Ends what avx_host_register began with the same `pointer`. May block: it waits for queued work that uses the memory.
/// AVX_ERROR_INVALID_ARGUMENT if nothing is registered there.
#[unsafe(export_name = "avx_gpu_host_unregister")]
pub extern "C" fn avx_host_unregister(device: avx_device, pointer: *mut c_void) -> avx_status {
    boundary::call("avx_host_unregister", || host_memory::unregister(device.token(), pointer.addr()))
}

/// Gives memory that nothing uses (kept for the next allocation, staging memory, and command buffers that are idle) back to the
/// driver. Never waits for the device.
/// Compiled kernels are written to the disk cache, which otherwise happens some seconds after a kernel was made, and in avx_destroy.
#[unsafe(export_name = "avx_gpu_device_trim")]
pub extern "C" fn avx_device_trim(device: avx_device) -> avx_status {
    boundary::call("avx_device_trim", || device::trim(device.token()))
}

/// Queues: `size` bytes from `src` at byte `src_offset` to `dst` at byte `dst_offset`, any alignment, between buffers of one device
/// or within one. AVX_ERROR_INVALID_ARGUMENT if the ranges overlap, AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_MAPPED.
#[unsafe(export_name = "avx_gpu_copy")]
pub extern "C" fn avx_copy(
    stream: avx_stream,
    dst: avx_buffer,
    dst_offset: u64,
    src: avx_buffer,
    src_offset: u64,
    size: u64,
) -> avx_status {
    boundary::call("avx_copy", || copy_fill::copy(stream.token(), (dst.token(), dst_offset), (src.token(), src_offset), size))
}

/// Queues: `size` bytes from byte `offset` filled with the `pattern_size` (1, 2, 4, 8 or 16) bytes at `pattern`, repeated from
/// `offset` on. The offset has any alignment, and the size is a multiple of `pattern_size`. The pattern is copied at the call, and
/// a size of 0 ignores it. AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_MAPPED.
///
/// # Safety
/// `pattern` holds `pattern_size` readable bytes.
#[unsafe(export_name = "avx_gpu_fill")]
pub unsafe extern "C" fn avx_fill(
    stream: avx_stream,
    buffer: avx_buffer,
    offset: u64,
    size: u64,
    pattern: *const c_void,
    pattern_size: u32,
) -> avx_status {
    boundary::call("avx_fill", || {
        let pattern_size = copy_fill::PatternSize::new(pattern_size)?;
        let used = if size == 0 { 0 } else { pattern_size.bytes() };
        // SAFETY: `pattern` holds `pattern_size` readable bytes, says the caller.
        let pattern = unsafe { boundary::bytes(pattern, used, "pattern") }?;
        copy_fill::fill(stream.token(), buffer.token(), offset, size, pattern)
    })
}

/// Gives the CPU an address for `size` bytes from byte `offset` (size 0: to the end) of a buffer, after waiting for queued work
/// that conflicts with `access` (AVX_MAP_READ | AVX_MAP_WRITE). Until avx_unmap, calls that conflict with the mapping give
/// AVX_ERROR_MAPPED. A buffer has one mapping at a time. Buffers of AVX_MEMORY_UPLOAD and AVX_MEMORY_READBACK can be mapped on
/// every device; whether one of AVX_MEMORY_DEVICE can depends on the device, and avx_buffer_info tells. May block.
/// AVX_ERROR_UNSUPPORTED if the buffer cannot be mapped and for AVX_MAP_PERSISTENT, AVX_ERROR_MAPPED if it is mapped already,
/// AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_TIMEOUT.
///
/// # Safety
/// `pointer` is NULL or writable.
#[unsafe(export_name = "avx_gpu_map")]
pub unsafe extern "C" fn avx_map(buffer: avx_buffer, offset: u64, size: u64, access: u32, pointer: *mut *mut c_void) -> avx_status {
    boundary::call("avx_map", || {
        // SAFETY: `pointer` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(pointer, "pointer") }?;
        out.set(std::ptr::with_exposed_provenance_mut(mapping::map(buffer.token(), offset, size, access)?));
        Ok(())
    })
}

/// Ends a mapping; its address is invalid from here on. AVX_ERROR_NOT_MAPPED if there is none.
#[unsafe(export_name = "avx_gpu_unmap")]
pub extern "C" fn avx_unmap(buffer: avx_buffer) -> avx_status {
    boundary::call("avx_unmap", || mapping::unmap(buffer.token()))
}

/// What a buffer is.
///
/// # Safety
/// `properties` is NULL or points to the struct_size bytes that it names.
#[unsafe(export_name = "avx_gpu_buffer_info")]
pub unsafe extern "C" fn avx_buffer_info(buffer: avx_buffer, properties: *mut avx_buffer_properties) -> avx_status {
    boundary::call("avx_buffer_info", || {
        // SAFETY: `properties` is NULL or points to its struct_size bytes, says the caller.
        let out = unsafe { sized::output(properties, "properties") }?;
        out.fill(&buffer_properties(&buffer::properties(buffer.token())?));
        Ok(())
    })
}

/// # Safety
/// `options` is NULL or points to its struct_size bytes, its texts NUL-terminated.
unsafe fn buffer_options(options: *const avx_buffer_options) -> Result<buffer::Options> {
    // SAFETY: as the caller promises.
    let o = unsafe { sized::input(options, "options") }?;
    // SAFETY: the label is NULL or NUL-terminated, says the caller.
    let label = unsafe { boundary::text(o.label, "options->label") }?;
    Ok(buffer::Options { size: o.size, memory: o.memory, alignment: o.alignment, label: label.map(str::to_owned) })
}

fn buffer_properties(p: &BufferProperties) -> avx_buffer_properties {
    avx_buffer_properties {
        struct_size: size_of::<avx_buffer_properties>() as u32,
        memory: p.memory,
        size: p.size,
        alignment: p.alignment,
        host_visible: p.host_visible.into(),
        mapped: p.mapped.into(),
        label: sized::chars(&p.label),
    }
}

// SAFETY: each struct is repr(C) and starts with `struct_size: u32`; all-zero is valid for every field.
unsafe impl Sized32 for avx_buffer_options {}
// SAFETY: as above.
unsafe impl Sized32 for avx_buffer_properties {}
