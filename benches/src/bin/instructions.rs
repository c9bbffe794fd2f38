//! What a profiler of instructions watches: `instructions chain|same|alloc`. The first two queue 10,000 dispatches of a kernel over three
//! buffers by avx_dispatch; the third allocates and frees as many buffers of mixed sizes, 16 of which live at a time. Before them it queues some by avx_dispatch_threads, so that a profiler that counts inside of avx_dispatch alone sees
//! neither the compiler nor the first use of anything.
//!
//! `same`: the same buffers each time, so that each dispatch waits for the one before. `chain`: also, but the buffers change places,
//! so that they are bound anew each time.

use avx_gpu::ffi::*;
use avx_gpu_bench::kernels::ADD3;
use std::ffi::{CStr, CString};
use std::hint::black_box;
use std::process::ExitCode;
use std::ptr::{null, null_mut};

/// avx_dispatch by an address that the compiler does not know, so that a call is a call, as a C program's is.
type Dispatch = unsafe extern "C" fn(avx_stream, avx_kernel, u32, u32, u32, *const avx_arg, u32) -> avx_status;

type Alloc = unsafe extern "C" fn(avx_device, u64, u32, *mut avx_buffer) -> avx_status;
type Free = extern "C" fn(avx_buffer) -> avx_status;

/// Dispatches that are counted.
const COUNT: usize = 10_000;
/// Dispatches before them.
const BEFORE: u64 = 1_000;

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

/// Allocates and frees in turn, in a ring of living buffers.
fn allocate(device: avx_device) {
    let (alloc, free) = (black_box(avx_alloc as Alloc), black_box(avx_free as Free));
    let mut living = [null_mut(); 16];
    for i in 0..COUNT {
        let slot = &mut living[i % 16];
        must(free(*slot));
        // SAFETY: the output is writable.
        must(unsafe { alloc(device, 256 << (i % 9), AVX_MEMORY_DEVICE, slot) });
    }
}

fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if !["chain", "same", "alloc"].contains(&mode.as_str()) {
        eprintln!("usage: instructions chain|same|alloc");
        return ExitCode::from(2);
    }
    let text = CString::new(ADD3).expect("a text without NUL");
    let (mut device, mut kernel, mut buffers) = (null_mut(), null_mut(), [null_mut(); 3]);
    // SAFETY: NULL options are the defaults; the text ends with NUL; the outputs are writable.
    unsafe {
        must(avx_create(null(), &mut device));
        must(avx_kernel_from_wgsl(device, text.as_ptr(), null(), &mut kernel));
        for buffer in &mut buffers {
            must(avx_alloc(device, 256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, buffer));
        }
    }
    if mode == "alloc" {
        allocate(device);
        must(avx_destroy(device));
        return ExitCode::SUCCESS;
    }
    let [a, b, c] = buffers.map(argument);
    let turns = if mode == "chain" { [[a, b, c], [c, b, a]] } else { [[a, b, c]; 2] };
    // Addresses that the compiler does not know, so that the calls are calls, as a C program's are.
    let dispatch = black_box(avx_dispatch as Dispatch);
    for i in 0..BEFORE {
        // SAFETY: the three arguments are readable.
        must(unsafe { avx_dispatch_threads(null_mut(), kernel, 64, 1, 1, turns[i as usize % 2].as_ptr(), 3) });
    }
    for i in 0..COUNT {
        // SAFETY: the three arguments are readable.
        must(unsafe { dispatch(null_mut(), kernel, 1, 1, 1, turns[i % 2].as_ptr(), 3) });
    }
    must(avx_device_synchronize(device, AVX_FOREVER));
    must(avx_destroy(device));
    ExitCode::SUCCESS
}
