//! Compute pipelines and what binds buffers to them.
//!
//! | what | file |
//! |---|---|
//! | pipelines and their layouts | `pipeline` |
//! | the driver's cache of pipelines | `pipeline_cache` |
//! | what the driver tells of a compiled pipeline | `executable` |
//! | descriptor sets | `descriptors` |

mod descriptors;
mod executable;
mod pipeline;
mod pipeline_cache;

pub(in crate::vulkan) use descriptors::Descriptors;
pub(crate) use executable::Executable;
pub(crate) use pipeline::{Descriptor, Pipeline, PipelineDesc, Slot};
pub(crate) use pipeline_cache::PipelineCache;
