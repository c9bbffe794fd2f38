//! Vulkan behind safe types. What is above checks; what is here assumes that ranges, limits and lifetimes were checked.
//!
//! | what | files |
//! |---|---|
//! | the loader, layers, messages | `instance`, `debug` |
//! | what there is and which to take | `snapshot`, `compute_units`, `features`, `capabilities`, `quirks`, `select` |
//! | an open device | `device`, `heaps` |
//! | memory | `memory`, `window` |
//! | kernels | `pipeline`, `executable`, `descriptors` |
//! | work | `commands`, `queue`, `completion` |

mod capabilities;
mod commands;
mod completion;
mod compute_units;
mod debug;
mod descriptors;
mod device;
mod error;
mod executable;
mod features;
mod heaps;
mod instance;
mod memory;
mod pipeline;
mod queue;
mod quirks;
pub(crate) mod select;
mod snapshot;
mod stages;
mod timestamps;
mod window;

pub(crate) use capabilities::{spirv_capabilities, spirv_version};
pub(crate) use commands::{Commands, Slice};
pub(crate) use completion::{Completion, Spin, wait_first};
pub(crate) use debug::{Severity, set_message_sink, submit_message};
pub(crate) use device::Device;
pub(crate) use error::{Error, Kind as ErrorKind};
pub(crate) use executable::Executable;
pub(crate) use features::Features;
pub(crate) use heaps::{host_sees_device_memory, is_device_local, is_unified, memory_of};
pub(crate) use instance::Instance;
pub(crate) use memory::{Allocation, Imported, Memory, MemoryKind};
pub(crate) use pipeline::{Descriptor, Pipeline, PipelineCache, Recipe, Slot};
pub(crate) use queue::Queue;
pub(crate) use select::DeviceKind;
pub(crate) use snapshot::Snapshot;
pub(crate) use stages::{Stage, Stages};
pub(crate) use timestamps::{Stamp, StampStage, Stamps};
pub(crate) use window::Window;
