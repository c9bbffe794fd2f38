//! The safe heart: handles, devices, buffers, kernels, order, errors. No `unsafe`, no pointers, no Vulkan types.
//!
//! Seven floors, each of which uses those below it. A call enters at `api`, finds its objects, locks the `device`, and the `schedule` decides.
//!
//! | floor | what it is about |
//! |---|---|
//! | `api` | what the C ABI calls: a file for each kind of call |
//! | `stream` | commands as data, and what they touch |
//! | `object` | the objects behind handles |
//! | `device` | what calls on a device have in common: entering it, its lock, its waits |
//! | `kernel` | from the text of a kernel to a pipeline |
//! | `schedule` | what runs when: order, batches, submission |
//! | `base` | errors, handles, log, trace, threads |
#![forbid(unsafe_code)]

pub(crate) mod api;
pub(crate) mod base;
pub(crate) mod device;
pub(crate) mod kernel;
pub(crate) mod object;
pub(crate) mod schedule;
pub(crate) mod stream;
