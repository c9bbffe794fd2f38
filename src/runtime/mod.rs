//! The safe heart: handles, devices, buffers, kernels, order, errors. No `unsafe`, no pointers, no Vulkan types.
#![forbid(unsafe_code)]

pub(crate) mod args;
pub(crate) mod buffer;
mod cache;
mod copier;
mod delivery;
pub(crate) mod device;
pub(crate) mod dispatch;
mod elsewhere;
mod engine;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod fill;
mod gather;
mod glsl;
pub(crate) mod graph;
mod graveyard;
mod habit;
pub(crate) mod handle;
mod hazard;
mod inside;
pub(crate) mod kernel;
mod lane;
mod lock;
pub(crate) mod log;
pub(crate) mod mapping;
pub(crate) mod offline;
mod op;
mod parsed;
pub(crate) mod properties;
mod quick;
mod record;
pub(crate) mod register;
mod report;
mod shelf;
mod staging;
pub(crate) mod stream;
pub(crate) mod subgroups;
mod tail;
#[cfg(test)]
mod tests;
mod timeline;
pub(crate) mod trace;
mod track;
pub(crate) mod transfer;
mod turn;
mod waiting;
