//! SPIR-V that took long to compile, on disk for the next process. A GLSL compiler alone takes tens of milliseconds to start.
//!
//! What is read back is checked as a user's own SPIR-V is. The name of a file is a hash of the text, of all options, of the compiler and of
//! what the device can do, so a file holds what would be compiled again.

use super::cache_folder::CacheFolder;
use super::disk::{Key, Loaded};
use crate::compile::Target;
use crate::runtime::base::log::{self, DeviceLog};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// A shorter text is not kept unless its compiler takes long to start: to read the file would take as long as to compile the text.
pub(crate) const LONG: usize = 16 << 10;

/// The files of one device.
pub(crate) struct SpirvCache {
    folder: CacheFolder,
    /// A hash of what the device can do.
    target: u128,
    log: Arc<DeviceLog>,
}

impl SpirvCache {
    /// The files in the cache folder as avx_create takes it. `None` if there is to be no cache.
    pub(crate) fn open(folder: Option<&str>, target: &Target, log: &Arc<DeviceLog>) -> Option<SpirvCache> {
        let folder = CacheFolder::open(folder, Some("spirv"), log)?;
        Some(SpirvCache { folder, target: xxh3_128(format!("{target:?}").as_bytes()), log: log.clone() })
    }

    /// The key of a file. `content` is a hash of everything that a kernel is compiled from.
    fn key(&self, content: u128, compiler: &str) -> Key {
        let mut bytes = content.to_le_bytes().to_vec();
        bytes.extend(self.target.to_le_bytes());
        bytes.extend(compiler.as_bytes());
        Key::of_content(xxh3_128(&bytes))
    }

    /// The SPIR-V that was kept.
    pub(crate) fn take(&self, content: u128, compiler: &str) -> Option<Vec<u8>> {
        match self.folder.load(&self.key(content, compiler)) {
            Loaded::Data(spirv) => Some(spirv),
            Loaded::Missing => None,
            Loaded::Damaged(why) => {
                self.log.line(log::Level::Warn, format!("a kernel in {} is made anew: {why}", self.folder.path().display()));
                None
            }
        }
    }

    /// Keeps a module. If the folder cannot be written, the log says so and the call goes on.
    pub(crate) fn put(&self, content: u128, compiler: &str, spirv: &[u32]) {
        let bytes: Vec<u8> = spirv.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.folder.store(&self.key(content, compiler), &bytes);
    }

    /// Removes a module. Returns whether it was there.
    pub(crate) fn forget(&self, content: u128, compiler: &str) -> bool {
        self.folder.remove(&self.key(content, compiler))
    }
}
