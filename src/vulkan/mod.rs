//! Vulkan behind safe types. The runtime checks ranges, limits and lifetimes; this layer assumes that they are checked.
//!
//! The floors, from the bottom to the top. A file imports from its own floor and from those below.
//!
//! | what | where |
//! |---|---|
//! | failures of Vulkan calls | `error` |
//! | physical devices: facts, features, faults, selection | `physical` |
//! | the loader, instances, validation messages | `loader` |
//! | an open device | `device` |
//! | memory | `memory` |
//! | pipelines and descriptors | `pipelines` |
//! | recording, submitting and waiting | `work` |

mod device;
mod error;
mod loader;
mod memory;
mod physical;
mod pipelines;
mod work;

pub(crate) use device::Device;
pub(crate) use error::{Error, ErrorKind};
pub(crate) use loader::{Instance, Severity, set_message_sink};
pub(crate) use memory::{
    Allocation, HostView, Imported, Memory, MemoryKind, Slice, host_sees_device_memory, is_device_local, is_unified, memory_of,
};
pub(crate) use physical::{Component, DeviceKind, Features, MatrixShape, Snapshot, select, spirv_capabilities, spirv_version};
pub(crate) use pipelines::{Descriptor, Executable, Pipeline, PipelineCache, PipelineDesc, Slot};
pub(crate) use work::{Commands, Completion, Queue, Spin, Stage, Stages, Stamp, StampStage, Stamps, wait_first};
