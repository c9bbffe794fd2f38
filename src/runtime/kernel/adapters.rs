//! The devices of the machine: the Vulkan instance, and which devices are visible.

use crate::runtime::base::error::{Error, Result};
use crate::runtime::base::log;
use crate::sys;
use crate::vulkan::{self, Instance, Snapshot, select};
use std::sync::Arc;

/// The Vulkan instance of the process.
pub(crate) fn instance(validation: bool) -> Result<Arc<Instance>> {
    static SINK: std::sync::Once = std::sync::Once::new();
    SINK.call_once(|| {
        sys::watch_forks();
        vulkan::set_message_sink(|severity, text| {
            let level = match severity {
                vulkan::Severity::Error => log::Level::Error,
                vulkan::Severity::Warning => log::Level::Warn,
            };
            log::line(level, text);
        });
    });
    Ok(Instance::shared(validation || environment_flag("AVX_GPU_VALIDATION"))?)
}

/// True if an environment variable is set, and not to 0.
pub(crate) fn environment_flag(name: &str) -> bool {
    std::env::var(name).is_ok_and(|v| !v.is_empty() && v != "0")
}

/// The visible devices, in the order of their numbers.
pub(crate) fn visible(instance: &Instance) -> Result<Vec<Snapshot>> {
    let all = instance.snapshots()?;
    let filter = std::env::var("AVX_GPU_DEVICE").ok();
    let candidates: Vec<select::Candidate> = all.iter().map(select::Candidate::of).collect();
    let order = select::visible(&candidates, filter.as_deref()).map_err(|e| {
        let e = Error::from(e);
        Error::new(e.status, format!("the environment variable AVX_GPU_DEVICE: {}", e.message))
    })?;
    Ok(order.into_iter().map(|i| all[i].clone()).collect())
}
