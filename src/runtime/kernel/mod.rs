//! From the text of a kernel to a pipeline, and the rules for its arguments.
//!
//! | file | what it is about |
//! |---|---|
//! | `args` | arguments against a kernel's interface; pure |
//! | `glsl` | which compiler takes GLSL |
//! | `subgroups` | what a kernel asks of its subgroups |
//! | `parsed` | parsed WGSL, kept |
//! | `shelf` | SPIR-V on disk |
//! | `cache` | pipelines on disk |
//! | `compilers` | the threads that compilers run on |
//! | `properties` | devices, buffers and kernels as plain data |
//! | `offline` | kernels without a device |

pub(crate) mod args;
pub(crate) mod cache;
pub(crate) mod compilers;
pub(crate) mod glsl;
pub(crate) mod offline;
pub(crate) mod parsed;
pub(crate) mod properties;
pub(crate) mod shelf;
pub(crate) mod subgroups;
