//! A program for an instruction profiler: `instructions MODE`. Each mode calls one function of the library 10,000 times:
//!
//! - `same`: avx_dispatch of a kernel over the same three buffers, so that each dispatch waits for the one before.
//! - `chain`: as `same`, but the buffers change places, so that they are bound anew each time.
//! - `launch`: avx_graph_launch of a graph of ten such kernels, with nothing changed between two launches.
//! - `launch_slot`: the same graph with a uniform block as well, whose bytes change at each launch.
//! - `alloc`: avx_alloc and avx_free of buffers of mixed sizes, 16 of which are allocated at a time.
//!
//! The program warms up with avx_dispatch_threads. A profiler that counts only inside the named function therefore counts neither
//! the kernel compiler nor the work of a first use.

use avx_gpu::ffi::*;
use avx_gpu_bench::kernels::ADD3;
use std::ffi::{CStr, CString};
use std::hint::black_box;
use std::process::ExitCode;
use std::ptr::{from_ref, null, null_mut};

/// The counted functions, called through addresses that the compiler does not know. Each call is therefore a real call, as in a C
/// program.
type Dispatch = unsafe extern "C" fn(avx_stream, avx_kernel, u32, u32, u32, *const avx_arg, u32) -> avx_status;
type Launch = unsafe extern "C" fn(avx_stream, avx_graph, *const avx_arg, u32) -> avx_status;
type Alloc = unsafe extern "C" fn(avx_device, u64, u32, *mut avx_buffer) -> avx_status;
type Free = extern "C" fn(avx_buffer) -> avx_status;

/// The number of counted calls.
const COUNT: u32 = 10_000;
/// The number of dispatches before the counted calls.
const BEFORE: usize = 1_000;
/// The number of kernels in a graph.
const KERNELS: usize = 10;

const MODES: [&str; 5] = ["same", "chain", "launch", "launch_slot", "alloc"];

/// An additional kernel for a graph, which adds the value of a slot.
const ADD_UNIFORM: &str = "\
@group(0) @binding(0) var<storage, read_write> a: array<u32>;
@group(0) @binding(1) var<uniform> step: vec4<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    a[id.x] += step.x;
}
";

fn must(status: avx_status) {
    if status != AVX_OK {
        // SAFETY: the text is valid until this thread's next call that fails.
        let why = unsafe { CStr::from_ptr(avx_last_error()) };
        panic!("status {status}: {}", why.to_string_lossy());
    }
}

fn argument(buffer: avx_buffer) -> avx_arg {
    avx_arg {
        kind: AVX_ARG_BUFFER,
        flags: 0,
        group: 0,
        binding: 0,
        buffer,
        bytes: null(),
        offset: 0,
        size: 0,
        slot: 0,
        reserved: 0,
        reserved2: 0,
    }
}

/// Slot 0 of a graph.
fn slot() -> avx_arg {
    avx_arg { kind: AVX_ARG_PARAM, ..argument(null_mut()) }
}

/// The bytes of a uniform block as an argument. The bytes must outlive every use of the argument.
fn bytes(block: &[u32; 4]) -> avx_arg {
    avx_arg { kind: AVX_ARG_BYTES, bytes: from_ref(block).cast(), size: size_of_val(block) as u64, ..argument(null_mut()) }
}

fn kernel(device: avx_device, text: &str) -> avx_kernel {
    let (text, mut kernel) = (CString::new(text).expect("a text without NUL"), null_mut());
    // SAFETY: the text ends with NUL, NULL options are the defaults, and the output is writable.
    must(unsafe { avx_kernel_from_wgsl(device, text.as_ptr(), null(), &mut kernel) });
    kernel
}

/// Allocates and frees in turn, with a ring of allocated buffers.
fn allocate(device: avx_device) {
    let (alloc, free) = (black_box(avx_alloc as Alloc), black_box(avx_free as Free));
    let mut living = [null_mut(); 16];
    for i in 0..COUNT {
        let slot = &mut living[i as usize % 16];
        must(free(*slot));
        // SAFETY: the output is writable.
        must(unsafe { alloc(device, 256 << (i % 9), AVX_MEMORY_DEVICE, slot) });
    }
}

/// Dispatches the kernel repeatedly, with each of the argument lists in turn.
fn dispatch(kernel: avx_kernel, turns: &[[avx_arg; 3]; 2]) {
    let dispatch = black_box(avx_dispatch as Dispatch);
    for i in 0..COUNT {
        // SAFETY: the three arguments are readable.
        must(unsafe { dispatch(null_mut(), kernel, 1, 1, 1, turns[i as usize % 2].as_ptr(), 3) });
    }
}

/// Launches a graph of the kernel repeatedly. With `uniform`, the last kernel of the graph has a uniform block, which is a slot.
fn launch(device: avx_device, add: avx_kernel, turns: &[[avx_arg; 3]; 2], uniform: Option<avx_kernel>) {
    let (mut recording, mut graph) = (null_mut(), null_mut());
    // SAFETY: the outputs are writable, and the arguments readable.
    unsafe {
        must(avx_graph_begin(device, null(), &mut recording));
        for i in 0..KERNELS {
            must(avx_dispatch(recording, add, 1, 1, 1, turns[i % 2].as_ptr(), 3));
        }
        if let Some(kernel) = uniform {
            must(avx_dispatch(recording, kernel, 1, 1, 1, [turns[0][0], slot()].as_ptr(), 2));
        }
        must(avx_graph_end(recording, &mut graph));
    }
    let launch = black_box(avx_graph_launch as Launch);
    for i in 0..COUNT {
        let block = [i, 0, 0, 0];
        let value = bytes(&block);
        // SAFETY: the values are readable, as are the bytes of the block.
        must(unsafe { launch(null_mut(), graph, &value, u32::from(uniform.is_some())) });
    }
}

fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if !MODES.contains(&mode.as_str()) {
        eprintln!("usage: instructions {}", MODES.join("|"));
        return ExitCode::from(2);
    }
    let (mut device, mut buffers) = (null_mut(), [null_mut(); 3]);
    // SAFETY: NULL options are the defaults, and the outputs are writable.
    unsafe {
        must(avx_create(null(), &mut device));
        for buffer in &mut buffers {
            must(avx_alloc(device, 256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, buffer));
        }
    }
    let add = kernel(device, ADD3);
    let [a, b, c] = buffers.map(argument);
    let turns = if mode == "same" { [[a, b, c]; 2] } else { [[a, b, c], [c, b, a]] };
    if mode != "alloc" {
        for i in 0..BEFORE {
            // SAFETY: the three arguments are readable.
            must(unsafe { avx_dispatch_threads(null_mut(), add, 64, 1, 1, turns[i % 2].as_ptr(), 3) });
        }
    }
    match mode.as_str() {
        "alloc" => allocate(device),
        "launch" => launch(device, add, &turns, None),
        "launch_slot" => launch(device, add, &turns, Some(kernel(device, ADD_UNIFORM))),
        _ => dispatch(add, &turns),
    }
    must(avx_device_synchronize(device, AVX_FOREVER));
    must(avx_destroy(device));
    ExitCode::SUCCESS
}
