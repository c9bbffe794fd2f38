//! The safe heart: handles, devices, buffers, kernels, order, errors. No `unsafe`, no pointers, no Vulkan types.
#![forbid(unsafe_code)]

pub(crate) mod args;
pub(crate) mod buffer;
mod cache;
pub(crate) mod device;
pub(crate) mod dispatch;
mod engine;
pub(crate) mod error;
pub(crate) mod handle;
mod hazard;
pub(crate) mod kernel;
pub(crate) mod log;
pub(crate) mod mapping;
pub(crate) mod properties;
mod staging;
mod tail;
#[cfg(test)]
mod tests;
pub(crate) mod transfer;
mod turn;
