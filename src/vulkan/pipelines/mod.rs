//! Compute pipelines and what binds buffers to them.
//!
//! | what | file |
//! |---|---|
//! | pipelines, their layouts and their cache | `pipeline` |
//! | what the driver tells of a compiled pipeline | `executable` |
//! | descriptor sets | `descriptors` |

mod descriptors;
mod executable;
mod pipeline;

pub(in crate::vulkan) use descriptors::Descriptors;
pub(crate) use executable::Executable;
pub(crate) use pipeline::{Descriptor, Pipeline, PipelineCache, PipelineDesc, Slot};
