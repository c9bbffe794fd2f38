//! The safe core: handles, devices, buffers, kernels, order, errors. It has no `unsafe`, no pointers and no Vulkan types.
//!
//! The runtime has seven floors, and each uses only those below it. A call enters at `api`, finds its objects and locks the `device`; the
//! `schedule` decides what runs when. `tests/arrows.rs` holds the floors.
//!
//! | floor | what it is about |
//! |---|---|
//! | `api` | what the C ABI calls: a file for each kind of call |
//! | `stream` | commands as data, what they access, and the streams that take them |
//! | `object` | the objects behind handles |
//! | `device` | what calls on a device have in common: entering it, locking it, waiting for it |
//! | `kernel` | from the text of a kernel to a pipeline |
//! | `schedule` | what runs when: order, batches, submission |
//! | `base` | errors, handles, locks, log, trace, threads |
#![forbid(unsafe_code)]

pub(crate) mod api;
pub(crate) mod base;
pub(crate) mod device;
pub(crate) mod kernel;
pub(crate) mod object;
pub(crate) mod schedule;
pub(crate) mod stream;
