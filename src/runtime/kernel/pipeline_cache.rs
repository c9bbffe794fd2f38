//! The disk cache of a device's compiled pipelines: one file a device and driver, in the user's cache folder.

use crate::compile::disk::{self, Key, Loaded};
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::base::log::{self, DeviceLog};
use crate::vulkan::Snapshot;
use std::path::PathBuf;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Where a device's pipelines are kept, and the hash of what is there.
pub(crate) struct PipelineCacheFile {
    folder: PathBuf,
    key: Key,
    stored: Lock<Option<u64>, { rank::PIPELINE_CACHE_FILE }>,
    log: Arc<DeviceLog>,
}

/// The folder of all that is kept, as avx_create takes it: `None` is the user's cache folder, empty is no cache.
pub(crate) fn folder(given: Option<&str>) -> Option<PathBuf> {
    match given {
        Some("") => None,
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(dirs::cache_dir()?.join("avx_gpu")),
    }
}

impl PipelineCacheFile {
    /// In that folder.
    pub(crate) fn open(given: Option<&str>, snapshot: &Snapshot, log: &Arc<DeviceLog>) -> Option<PipelineCacheFile> {
        let folder = folder(given)?;
        let properties = &snapshot.properties;
        let key = Key {
            device_uuid: properties.pipeline_cache_uuid,
            driver_uuid: snapshot.driver_uuid,
            driver_version: properties.driver_version,
            vendor_id: properties.vendor_id,
            device_id: properties.device_id,
        };
        Some(PipelineCacheFile { folder, key, stored: Lock::new(None), log: log.clone() })
    }

    /// What an earlier run stored; nothing if there is none or it is damaged.
    pub(crate) fn load(&self) -> Vec<u8> {
        match disk::load(&self.folder, &self.key) {
            Loaded::Data(data) => {
                self.log.line(log::Level::Info, format!("{} bytes of compiled kernels from {}", data.len(), self.folder.display()));
                *self.stored.lock() = Some(xxh3_64(&data));
                data
            }
            Loaded::Missing => Vec::new(),
            Loaded::Damaged(why) => {
                self.log.line(log::Level::Warn, format!("the kernel cache in {} is ignored and replaced: {why}", self.folder.display()));
                Vec::new()
            }
        }
    }

    /// Stores `data` if it is not what is there. A folder that cannot be written is told to the log, no more.
    pub(crate) fn save(&self, data: &[u8]) {
        let hash = xxh3_64(data);
        let mut stored = self.stored.lock();
        if *stored == Some(hash) {
            return;
        }
        match disk::store(&self.folder, &self.key, data) {
            Ok(()) => *stored = Some(hash),
            Err(e) => self.log.line(log::Level::Warn, format!("the kernel cache in {} cannot be written: {e}", self.folder.display())),
        }
    }
}
