//! The cache of compiled pipelines that the driver keeps.

use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, Result};
use ash::vk;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The driver's cache of compiled pipelines.
pub(crate) struct PipelineCache {
    device: Arc<Device>,
    pub(super) used: UsedCache,
}

/// The cache, as pipelines are created with it.
pub(super) struct UsedCache {
    /// Null for a driver that keeps a cache of its own.
    raw: vk::PipelineCache,
    /// The cache has data of an earlier run in it. The data may be damaged or forged.
    is_restored: bool,
    /// The driver failed with the cache's data and did not fail without it. From then on no pipeline is created with the cache.
    is_refused: AtomicBool,
}

impl UsedCache {
    fn new(raw: vk::PipelineCache, is_restored: bool) -> UsedCache {
        UsedCache { raw, is_restored, is_refused: AtomicBool::new(false) }
    }

    fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Runs `create` with the cache. If that fails and the cache has data of an earlier run in it, runs `create` without a cache. If that
    /// succeeds, the data was at fault and is not used again.
    pub(super) fn with_fallback<T, V>(
        &self,
        create: impl Fn(vk::PipelineCache) -> std::result::Result<T, (V, vk::Result)>,
    ) -> std::result::Result<T, (V, vk::Result)> {
        if self.is_refused() {
            return create(vk::PipelineCache::null());
        }
        match create(self.raw) {
            Err((_, result)) if self.is_restored && result != vk::Result::ERROR_DEVICE_LOST => {
                let again = create(vk::PipelineCache::null());
                self.is_refused.fetch_or(again.is_ok(), Ordering::Relaxed);
                again
            }
            made => made,
        }
    }
}

impl PipelineCache {
    /// Creates the cache from `data` of an earlier run, which may be empty. If the driver rejects the data, the cache starts empty.
    pub(crate) fn new(device: &Arc<Device>, data: &[u8]) -> Result<PipelineCache> {
        let make = |data: &[u8]| {
            let info = vk::PipelineCacheCreateInfo::default().initial_data(data);
            // SAFETY: the data comes from this driver, as the header, length and hash of the file that held it show.
            unsafe { device.raw().create_pipeline_cache(&info, None) }
        };
        if device.snapshot().quirks.caches_itself {
            return Ok(PipelineCache { device: device.clone(), used: UsedCache::new(vk::PipelineCache::null(), false) });
        }
        let restored = if data.is_empty() { None } else { make(data).ok() };
        let raw = restored.map_or_else(|| make(&[]), Ok).map_err(|e| Error::of("vkCreatePipelineCache", e))?;
        device.set_name(raw, "avx_gpu pipelines");
        Ok(PipelineCache { device: device.clone(), used: UsedCache::new(raw, restored.is_some()) })
    }

    /// True if the driver could not use the data of an earlier run.
    pub(crate) fn is_refused(&self) -> bool {
        self.used.is_refused()
    }

    /// The cache's data for later runs. It is empty for a driver that keeps a cache of its own, and for data that was refused.
    pub(crate) fn data(&self) -> Result<Vec<u8>> {
        if self.used.raw == vk::PipelineCache::null() || self.is_refused() {
            return Ok(Vec::new());
        }
        // SAFETY: the cache is this device's and alive.
        unsafe { self.device.raw().get_pipeline_cache_data(self.used.raw) }.map_err(|e| Error::of("vkGetPipelineCacheData", e))
    }
}

impl Drop for PipelineCache {
    fn drop(&mut self) {
        // SAFETY: the cache is this device's or null, which is allowed; pipelines that were created with it do not need it.
        unsafe { self.device.raw().destroy_pipeline_cache(self.used.raw, None) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ash::vk::Handle as _;
    use std::cell::RefCell;

    /// What a pipeline is created with, and the outcome, for a driver that answers `with` to the cache and `without` to none.
    fn create(cache: &UsedCache, with: vk::Result, without: vk::Result) -> (Vec<u64>, vk::Result) {
        let tried = RefCell::new(Vec::new());
        let made = cache.with_fallback(|raw| {
            tried.borrow_mut().push(raw.as_raw());
            let result = if raw.is_null() { without } else { with };
            if result == vk::Result::SUCCESS { Ok(()) } else { Err(((), result)) }
        });
        (tried.into_inner(), made.map_or_else(|(_, result)| result, |()| vk::Result::SUCCESS))
    }

    #[test]
    fn data_that_the_driver_refuses_is_dropped() {
        let (good, bad, lost) = (vk::Result::SUCCESS, vk::Result::ERROR_UNKNOWN, vk::Result::ERROR_DEVICE_LOST);
        let cache = |is_restored| UsedCache::new(vk::PipelineCache::from_raw(7), is_restored);
        let forged = cache(true);
        assert_eq!(create(&forged, good, bad), (vec![7], good));
        assert_eq!(create(&forged, bad, bad), (vec![7, 0], bad));
        assert_eq!(create(&forged, lost, good), (vec![7], lost));
        assert!(!forged.is_refused(), "the kernel was at fault, or the device");
        assert_eq!(create(&forged, bad, good), (vec![7, 0], good));
        assert!(forged.is_refused());
        assert_eq!(create(&forged, bad, good), (vec![0], good));
        // Without data of an earlier run the cache is not at fault.
        let own = cache(false);
        assert_eq!(create(&own, bad, good), (vec![7], bad));
        assert!(!own.is_refused());
    }
}
