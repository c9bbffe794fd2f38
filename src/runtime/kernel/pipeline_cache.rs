//! The file of a device's compiled pipelines. There is one for each device and driver, in the user's cache folder.

use super::cache_folder::CacheFolder;
use super::disk::{Key, Loaded};
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::base::log::{self, DeviceLog};
use crate::vulkan::Snapshot;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Where the pipelines of a device are kept, and the hash of what is there.
pub(crate) struct PipelineCacheFile {
    folder: CacheFolder,
    key: Key,
    stored: Lock<Option<u64>, { rank::PIPELINE_CACHE_FILE }>,
    log: Arc<DeviceLog>,
}

impl PipelineCacheFile {
    /// The file of a device, in the folder as avx_create takes it.
    pub(crate) fn open(given: Option<&str>, snapshot: &Snapshot, log: &Arc<DeviceLog>) -> Option<PipelineCacheFile> {
        let folder = CacheFolder::open(given, None, log)?;
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

    /// The data that an earlier run stored. It is empty if there is no file or the file is damaged.
    pub(crate) fn load(&self) -> Vec<u8> {
        match self.folder.load(&self.key) {
            Loaded::Data(data) => {
                self.log.line(log::Level::Info, format!("{} bytes of compiled kernels from {}", data.len(), self.folder.path().display()));
                *self.stored.lock() = Some(xxh3_64(&data));
                data
            }
            Loaded::Missing => Vec::new(),
            Loaded::Damaged(why) => {
                self.log
                    .line(log::Level::Warn, format!("the kernel cache in {} is ignored and replaced: {why}", self.folder.path().display()));
                Vec::new()
            }
        }
    }

    /// Stores `data` if the file does not hold it already. Returns whether it was stored. If the folder cannot be written, the log says so.
    pub(crate) fn save(&self, data: &[u8]) -> bool {
        let hash = xxh3_64(data);
        let mut stored = self.stored.lock();
        if *stored == Some(hash) {
            return false;
        }
        let is_stored = self.folder.store(&self.key, data);
        if is_stored {
            *stored = Some(hash);
        }
        is_stored
    }
}
