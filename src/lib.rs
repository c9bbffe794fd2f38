//! GPU compute behind a C ABI: allocate, write, run a kernel and read the answer, on any GPU with a Vulkan driver.
//!
//! C programs include `avx_gpu.h` and link `libavx_gpu`; the header is generated from [`ffi`], which is all that is public here.
//!
//! The house, from the street inwards. Data flows one way, errors climb back:
//!
//! ```text
//! ffi      the C ABI and nothing else: pointers in, checked Rust out; one file a section of the header
//!  |
//! runtime  the safe heart: handles, devices, buffers, kernels, order, errors; no unsafe code
//!  |  \
//!  |   compile  WGSL or SPIR-V in, checked SPIR-V and its interface out; knows no GPU
//!  |
//! vulkan   ash behind safe types: instance, selection, memory, pipelines, commands, completion
//! ```
//!
//! `unsafe` lives in `ffi` (the caller's pointers) and in `vulkan` (the driver's functions). A test reads the `use` lines and fails
//! on an arrow that runs back. `docs/architecture.md` follows one dispatch through all of it.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("avx_gpu needs a 64-bit target: handles carry 64 bits");

mod compile;
pub mod ffi;
mod runtime;
#[doc(hidden)]
pub mod testing;
mod vulkan;
