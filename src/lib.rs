//! GPU compute behind a C ABI: allocate, write, run a kernel and read the result, on any GPU with a Vulkan driver.
//!
//! C programs include `avx_gpu.h` and link `libavx_gpu`. The header is generated from [`ffi`], which is the only public module.
//!
//! The layers, from the outside to the inside. A layer calls the ones below it, and errors go up.
//!
//! ```text
//! ffi      the C ABI: turns pointers into checked Rust values; one file for each section of the header
//!  |
//! runtime  handles, devices, buffers, kernels, ordering, errors; no unsafe code
//!  |  \
//!  |   compile  WGSL, GLSL or SPIR-V in, checked SPIR-V and its interface out; needs no GPU
//!  |
//! vulkan   ash behind safe types: instance, selection, memory, pipelines, commands, completion
//!  |
//! sys      the operating system behind safe functions: threads, forks, the clock, libshaderc
//! ```
//!
//! `unsafe` is allowed in `ffi` (the caller's pointers), in `vulkan` (the driver's functions) and in `sys` (the system's). A test reads the
//! `use` lines and fails on an import against the layers. `docs/architecture.md` follows one dispatch through all of them.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("avx_gpu needs a 64-bit target: handles carry 64 bits");

mod compile;
pub mod ffi;
mod runtime;
mod sys;
#[doc(hidden)]
pub mod testing;
mod vulkan;
