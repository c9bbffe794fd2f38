//! Section "graph" of the header: work recorded once and run again at the cost of one submission.

use super::boundary::{self, Token as _};
use super::device::avx_device;
use super::dispatch::{self, avx_arg};
use super::sized::{self, Sized32};
use super::status::avx_status;
use super::stream::avx_stream;
use crate::runtime::api::graph;
use crate::runtime::kernel::args::ArgSource as _;
use std::ffi::c_char;

/// What lies behind an avx_graph.
pub struct avx_graph_t;
/// Recorded work. It keeps the kernels that it runs, though not the buffers: a graph over a freed buffer fails at its launch.
pub type avx_graph = *mut avx_graph_t;

/// Options of avx_graph_begin. Zero means the default in every field but struct_size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_graph_options {
    /// sizeof(avx_graph_options)
    pub struct_size: u32,
    /// Zero.
    pub flags: u32,
    /// The graph's name in messages and traces. NULL: none.
    pub label: *const c_char,
}

/// What a graph is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_graph_properties {
    /// In: sizeof(avx_graph_properties). Out: the bytes filled.
    pub struct_size: u32,
    /// Slots: the number of values that avx_graph_launch takes.
    pub slots: u32,
    /// Commands that were recorded.
    pub commands: u64,
    /// Its name, cut to fit; "" if it has none.
    pub label: [c_char; 128],
}

/// Begins a graph. `options` may be NULL. What is queued on `recording_stream` is recorded and does not run: avx_write and
/// avx_write_async (whose bytes are copied at the call), avx_copy, avx_fill and the dispatches. Waits, reads into the CPU's memory,
/// events and launches cannot be recorded (AVX_ERROR_UNSUPPORTED). Arguments may be slots (avx_arg_param, avx_arg_param_offset,
/// avx_dispatch_slot) that get their values at each launch; a graph has 4096 at most (AVX_ERROR_LIMIT). avx_stream_free gives the
/// recording up.
///
/// # Safety
/// `options` is NULL or points to its struct_size bytes with NUL-terminated texts; `recording_stream` is NULL or writable.
#[unsafe(export_name = "avx_gpu_graph_begin")]
pub unsafe extern "C" fn avx_graph_begin(
    device: avx_device,
    options: *const avx_graph_options,
    recording_stream: *mut avx_stream,
) -> avx_status {
    boundary::call("avx_graph_begin", || {
        // SAFETY: `recording_stream` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(recording_stream, "recording_stream") }?;
        // SAFETY: `options` is NULL or points to its struct_size bytes, its texts NUL-terminated, says the caller.
        let label = unsafe { sized::optional(options, "options")?.map_or(Ok(None), |o| boundary::label(o.flags, o.label)) }?;
        out.set(avx_stream::from_token(graph::begin(device.token(), label)?));
        Ok(())
    })
}

/// Ends the recording and gives its graph; the recording stream is no handle any more. AVX_ERROR_INVALID_ARGUMENT for a stream that
/// does not record.
///
/// # Safety
/// `graph` is NULL or writable.
#[unsafe(export_name = "avx_gpu_graph_end")]
pub unsafe extern "C" fn avx_graph_end(recording_stream: avx_stream, graph: *mut avx_graph) -> avx_status {
    boundary::call("avx_graph_end", || {
        // SAFETY: `graph` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(graph, "graph") }?;
        out.set(avx_graph::from_token(graph::end(recording_stream.token())?));
        Ok(())
    })
}

/// Queues: runs the graph. The value of slot i is the i-th of `params` (avx_arg_buffer, avx_arg_range, avx_arg_bytes; AVX_ARG_NONE
/// for a slot that the graph does not use), copied at the call. `count` is the number of slots, one more than the highest that was
/// recorded, as avx_graph_info tells.
///
/// Any number of launches may be queued or running at once, on any streams; order between a launch and all other work on the same
/// bytes is the library's affair, as for a dispatch. Inside, commands that touch the same bytes are ordered as recorded, and others
/// overlap. A launch whose values are those of an earlier one, or differ in the bytes of uniform bindings alone, records nothing
/// anew; others record the graph again.
///
/// The errors of avx_dispatch for each that is in the graph, AVX_ERROR_INVALID_ARGUMENT for a `count` or a value that does not fit,
/// AVX_ERROR_INVALID_HANDLE for a buffer that was freed, AVX_ERROR_UNSUPPORTED on a stream that records.
///
/// # Safety
/// `params` points to `count` arguments, their bytes readable.
#[unsafe(export_name = "avx_gpu_graph_launch")]
pub unsafe extern "C" fn avx_graph_launch(stream: avx_stream, graph: avx_graph, params: *const avx_arg, count: u32) -> avx_status {
    boundary::call("avx_graph_launch", || {
        // SAFETY: `params` points to `count` arguments with readable bytes, says the caller.
        let values = unsafe { dispatch::args(params, count) }?;
        graph::launch(stream.token(), graph.token(), &values.all()?)
    })
}

/// What a graph is.
///
/// # Safety
/// `properties` is NULL or points to the struct_size bytes that it names.
#[unsafe(export_name = "avx_gpu_graph_info")]
pub unsafe extern "C" fn avx_graph_info(graph: avx_graph, properties: *mut avx_graph_properties) -> avx_status {
    boundary::call("avx_graph_info", || {
        // SAFETY: `properties` is NULL or points to its struct_size bytes, says the caller.
        let out = unsafe { sized::output(properties, "properties") }?;
        let p = graph::properties(graph.token())?;
        out.fill(&avx_graph_properties {
            struct_size: size_of::<avx_graph_properties>() as u32,
            slots: p.slots,
            commands: p.commands,
            label: sized::chars(&p.label),
        });
        Ok(())
    })
}

/// Frees a graph; its launches go on. NULL does nothing.
#[unsafe(export_name = "avx_gpu_graph_free")]
pub extern "C" fn avx_graph_free(graph: avx_graph) -> avx_status {
    boundary::free("avx_graph_free", || if graph.is_null() { Ok(()) } else { graph::free(graph.token()) })
}

// SAFETY: each struct is repr(C) and starts with `struct_size: u32`; all-zero is valid for every field.
unsafe impl Sized32 for avx_graph_options {}
// SAFETY: as above.
unsafe impl Sized32 for avx_graph_properties {}
