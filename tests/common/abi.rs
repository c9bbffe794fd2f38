//! Every function that takes pointers, callable without `unsafe`.
//!
//! The calls are sound on one condition, which the tests meet: a pointer is NULL, or holds what the function requires (the bytes
//! that are stated beside it, a text with its NUL, a struct of at least its struct_size). Handles may have any value. Functions
//! that take no pointer are safe already and are called directly.

use avx_gpu::ffi::*;
use std::ffi::{c_char, c_void};

/// `avx_device_count`.
pub(crate) fn device_count(count: *mut u32) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_device_count(count) }
}

/// `avx_device_describe`.
pub(crate) fn device_describe(index: u32, properties: *mut avx_device_properties) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_device_describe(index, properties) }
}

/// `avx_create`.
pub(crate) fn create(options: *const avx_device_options, device: *mut avx_device) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_create(options, device) }
}

/// `avx_device_info`.
pub(crate) fn device_info(device: avx_device, properties: *mut avx_device_properties) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_device_info(device, properties) }
}

/// `avx_device_memory`.
pub(crate) fn memory_info(device: avx_device, usage: *mut avx_memory_usage) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_device_memory(device, usage) }
}

/// `avx_device_default_stream`.
pub(crate) fn default_stream(device: avx_device, stream: *mut avx_stream) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_device_default_stream(device, stream) }
}

/// `avx_alloc`.
pub(crate) fn alloc(device: avx_device, size: u64, memory: u32, buffer: *mut avx_buffer) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_alloc(device, size, memory, buffer) }
}

/// `avx_buffer_create`.
pub(crate) fn buffer_create(device: avx_device, options: *const avx_buffer_options, buffer: *mut avx_buffer) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_buffer_create(device, options, buffer) }
}

/// `avx_write`.
pub(crate) fn write(stream: avx_stream, buffer: avx_buffer, offset: u64, data: *const c_void, size: u64) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_write(stream, buffer, offset, data, size) }
}

/// `avx_read`.
pub(crate) fn read(stream: avx_stream, buffer: avx_buffer, offset: u64, data: *mut c_void, size: u64) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_read(stream, buffer, offset, data, size) }
}

/// `avx_fill`.
pub(crate) fn fill(
    stream: avx_stream,
    buffer: avx_buffer,
    offset: u64,
    size: u64,
    pattern: *const c_void,
    pattern_size: u32,
) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_fill(stream, buffer, offset, size, pattern, pattern_size) }
}

/// `avx_map`.
pub(crate) fn map(buffer: avx_buffer, offset: u64, size: u64, access: u32, pointer: *mut *mut c_void) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_map(buffer, offset, size, access, pointer) }
}

/// `avx_buffer_info`.
pub(crate) fn buffer_info(buffer: avx_buffer, properties: *mut avx_buffer_properties) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_buffer_info(buffer, properties) }
}

/// `avx_set_label`.
pub(crate) fn set_label<T>(handle: *mut T, label: *const c_char) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_set_label(handle.cast(), label) }
}

/// `avx_kernel_from_wgsl`.
pub(crate) fn kernel_from_wgsl(
    device: avx_device,
    source: *const c_char,
    entry_point: *const c_char,
    kernel: *mut avx_kernel,
) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_kernel_from_wgsl(device, source, entry_point, kernel) }
}

/// `avx_kernel_create`.
pub(crate) fn kernel_create(device: avx_device, options: *const avx_kernel_options, kernel: *mut avx_kernel) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_kernel_create(device, options, kernel) }
}

/// `avx_kernel_info`.
pub(crate) fn kernel_info(kernel: avx_kernel, properties: *mut avx_kernel_properties) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_kernel_info(kernel, properties) }
}

/// `avx_kernel_arg_info`.
pub(crate) fn kernel_arg_info(kernel: avx_kernel, index: u32, properties: *mut avx_kernel_arg_properties) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_kernel_arg_info(kernel, index, properties) }
}

/// `avx_dispatch`.
pub(crate) fn dispatch(stream: avx_stream, kernel: avx_kernel, x: u32, y: u32, z: u32, args: *const avx_arg, count: u32) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_dispatch(stream, kernel, x, y, z, args, count) }
}

/// `avx_dispatch_threads`.
pub(crate) fn dispatch_threads(
    stream: avx_stream,
    kernel: avx_kernel,
    x: u64,
    y: u64,
    z: u64,
    args: *const avx_arg,
    count: u32,
) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_dispatch_threads(stream, kernel, x, y, z, args, count) }
}

/// `avx_last_error_copy`.
pub(crate) fn last_error_copy(buffer: *mut c_char, capacity: u64, length: *mut u64) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_last_error_copy(buffer, capacity, length) }
}

/// `avx_set_log`.
pub(crate) fn set_log(callback: avx_log_callback, user: *mut c_void, level: i32) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_set_log(callback, user, level) }
}

/// `avx_stream_create`.
pub(crate) fn stream_create(device: avx_device, options: *const avx_stream_options, stream: *mut avx_stream) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_stream_create(device, options, stream) }
}

/// `avx_event_create`.
pub(crate) fn event_create(device: avx_device, options: *const avx_event_options, event: *mut avx_event) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_event_create(device, options, event) }
}

/// `avx_event_wait_any`.
pub(crate) fn event_wait_any(events: *const avx_event, count: u32, timeout_ns: u64, index: *mut u32) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_event_wait_any(events, count, timeout_ns, index) }
}

/// `avx_event_message`.
pub(crate) fn event_message(event: avx_event, buffer: *mut c_char, capacity: u64, length: *mut u64) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_event_message(event, buffer, capacity, length) }
}

/// `avx_event_elapsed`.
pub(crate) fn event_elapsed(start: avx_event, end: avx_event, nanoseconds: *mut u64) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_event_elapsed(start, end, nanoseconds) }
}

/// `avx_graph_begin`.
pub(crate) fn graph_begin(device: avx_device, options: *const avx_graph_options, recording_stream: *mut avx_stream) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_graph_begin(device, options, recording_stream) }
}

/// `avx_graph_end`.
pub(crate) fn graph_end(recording_stream: avx_stream, graph: *mut avx_graph) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_graph_end(recording_stream, graph) }
}

/// `avx_graph_info`.
pub(crate) fn graph_info(graph: avx_graph, properties: *mut avx_graph_properties) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_graph_info(graph, properties) }
}

/// `avx_kernel_member_info`.
pub(crate) fn kernel_member_info(kernel: avx_kernel, arg: u32, member: u32, properties: *mut avx_kernel_member_properties) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_kernel_member_info(kernel, arg, member, properties) }
}

/// `avx_kernel_code`.
pub(crate) fn kernel_code(kernel: avx_kernel, buffer: *mut c_void, capacity: u64, size: *mut u64) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_kernel_code(kernel, buffer, capacity, size) }
}

/// `avx_device_cooperative_shapes`.
pub(crate) fn cooperative_shapes(device: avx_device, shapes: *mut avx_cooperative_shape, count: *mut u32) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_device_cooperative_shapes(device, shapes, count) }
}

/// `avx_graph_launch`.
pub(crate) fn graph_launch(stream: avx_stream, graph: avx_graph, params: *const avx_arg, count: u32) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_graph_launch(stream, graph, params, count) }
}

/// `avx_dispatch_indirect`.
pub(crate) fn dispatch_indirect(
    stream: avx_stream,
    kernel: avx_kernel,
    counts: avx_buffer,
    offset: u64,
    args: *const avx_arg,
    count: u32,
) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_dispatch_indirect(stream, kernel, counts, offset, args, count) }
}

/// `avx_dispatch_slot`.
pub(crate) fn dispatch_slot(stream: avx_stream, kernel: avx_kernel, slot: u32, args: *const avx_arg, count: u32) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_dispatch_slot(stream, kernel, slot, args, count) }
}

/// `avx_write_async`. The memory stays valid and unchanged until the stream has passed the write.
pub(crate) fn write_async(stream: avx_stream, buffer: avx_buffer, offset: u64, data: *const c_void, size: u64) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_write_async(stream, buffer, offset, data, size) }
}

/// `avx_read_async`. The memory stays valid until the stream has passed the read.
pub(crate) fn read_async(stream: avx_stream, buffer: avx_buffer, offset: u64, data: *mut c_void, size: u64) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_read_async(stream, buffer, offset, data, size) }
}

/// `avx_host_register`. The memory stays valid until it is unregistered.
pub(crate) fn host_register(device: avx_device, pointer: *mut c_void, size: u64, flags: u32) -> avx_status {
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_host_register(device, pointer, size, flags) }
}

/// `avx_dispatch` by its fast path or its slow path alone. `None` for a call that the fast path leaves to the slow path.
pub(crate) fn dispatch_by_path(
    fast: bool,
    stream: avx_stream,
    kernel: avx_kernel,
    groups: [u32; 3],
    args: &[avx_arg],
) -> Option<avx_status> {
    let count = u32::try_from(args.len()).expect("few");
    // SAFETY: the pointers are NULL or hold what the function requires, by the condition at the top of this file.
    unsafe { avx_gpu::testing::dispatch_by_path(fast, stream, kernel, groups, args.as_ptr(), count) }
}
