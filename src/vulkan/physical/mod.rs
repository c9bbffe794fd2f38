//! Physical devices: what there is, and which one to take. Plain data and rules, most of them tested without a GPU.
//!
//! | what | files |
//! |---|---|
//! | all facts about a device | `snapshot` |
//! | the optional features: one table | `features` |
//! | the number of compute units | `compute_units` |
//! | the SPIR-V that a device accepts | `capabilities` |
//! | known faults of drivers | `quirks` |
//! | which device to open | `select` |

mod capabilities;
mod compute_units;
mod features;
mod quirks;
pub(crate) mod select;
mod snapshot;

pub(crate) use capabilities::{spirv_capabilities, spirv_version};
pub(crate) use features::{DeviceRequest, Features};
pub(crate) use select::DeviceKind;
pub(crate) use snapshot::{Component, MatrixShape, Snapshot, compute_family};
