//! From the text of a kernel to a pipeline, and the rules for its arguments.
//!
//! | file | what it is about |
//! |---|---|
//! | `options` | the options of a kernel |
//! | `translate` | from a kernel's text to compiled code |
//! | `glsl` | which compiler takes a GLSL kernel |
//! | `compiler_threads` | the threads that compilers run on |
//! | `program` | compiled code, with a pipeline for each way of dispatching |
//! | `args` | the check of arguments against a kernel's interface; pure |
//! | `subgroups` | what a kernel asks of its subgroups |
//! | `own_kernels` | the library's own kernels |
//! | `context` | what compiling for a device needs of the device |
//! | `parse_cache` | parsed WGSL, in memory |
//! | `code_cache` | compiled code, in memory |
//! | `disk` | the format of cache files, and how they are written |
//! | `cache_folder` | the folder of cache files, which belongs to the user alone |
//! | `spirv_cache` | SPIR-V on disk |
//! | `pipeline_cache` | compiled pipelines on disk |
//! | `adapters` | the devices of the machine |
//! | `other_devices` | which other devices would take a kernel |
//! | `properties` | devices, buffers, kernels and graphs as plain data |
//! | `offline` | kernels without a device |

pub(crate) mod adapters;
pub(crate) mod args;
pub(crate) mod cache_folder;
pub(crate) mod code_cache;
pub(crate) mod compiler_threads;
pub(crate) mod context;
pub(crate) mod disk;
pub(crate) mod glsl;
pub(crate) mod offline;
pub(crate) mod options;
pub(crate) mod other_devices;
pub(crate) mod own_kernels;
pub(crate) mod parse_cache;
pub(crate) mod pipeline_cache;
pub(crate) mod program;
pub(crate) mod properties;
pub(crate) mod spirv_cache;
pub(crate) mod subgroups;
pub(crate) mod translate;
