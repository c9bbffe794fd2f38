//! SPIR-V that took long to compile, on disk for the next process. A GLSL compiler alone takes tens of milliseconds to start.
//!
//! What is read back is checked as a user's own SPIR-V is. The name of a file is a hash of the text, of all options, of the compiler and of
//! what the device can do, so a file holds what would be compiled again.

use super::pipeline_cache;
use crate::compile::Target;
use crate::compile::disk::{self, Key, Loaded};
use crate::runtime::base::log::{self, DeviceLog};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use xxhash_rust::xxh3::xxh3_128;

/// A shorter text is not kept unless its compiler takes long to start: to read the file would take as long as to compile the text.
pub(crate) const LONG: usize = 16 << 10;
/// The most files that are kept. Beyond it the oldest are removed.
const MOST: usize = 1024;

/// The files of one device.
pub(crate) struct SpirvCache {
    folder: PathBuf,
    /// A hash of what the device can do.
    target: u128,
    log: Arc<DeviceLog>,
}

impl SpirvCache {
    /// The files in the cache folder as avx_create takes it. `None` if there is to be no cache.
    pub(crate) fn open(folder: Option<&str>, target: &Target, log: &Arc<DeviceLog>) -> Option<SpirvCache> {
        let folder = pipeline_cache::folder(folder)?.join("spirv");
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
        match disk::load(&self.folder, &self.key(content, compiler)) {
            Loaded::Data(spirv) => Some(spirv),
            Loaded::Missing => None,
            Loaded::Damaged(why) => {
                self.log.line(log::Level::Warn, format!("a kernel in {} is made anew: {why}", self.folder.display()));
                None
            }
        }
    }

    /// Keeps a module. If the folder cannot be written, the log says so and the call goes on.
    pub(crate) fn put(&self, content: u128, compiler: &str, spirv: &[u32]) {
        let bytes: Vec<u8> = spirv.iter().flat_map(|word| word.to_le_bytes()).collect();
        if let Err(e) = disk::store(&self.folder, &self.key(content, compiler), &bytes) {
            return self.log.line(log::Level::Warn, format!("the kernel cache in {} cannot be written: {e}", self.folder.display()));
        }
        thin_out(&self.folder, MOST);
    }
}

/// Removes the oldest files of a folder with more than `most` files, down to three quarters. Another process may do so at the same time, so
/// a file that cannot be read or removed is left.
fn thin_out(folder: &Path, most: usize) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut files: Vec<(SystemTime, PathBuf)> =
        entries.flatten().filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    if files.len() > most {
        files.sort();
        files.iter().take(files.len() - most * 3 / 4).for_each(|(_, path)| drop(std::fs::remove_file(path)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_oldest_go() {
        let folder = std::env::temp_dir().join(format!("avx_gpu_shelf_{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        for i in 0..20 {
            let path = folder.join(format!("{i}.cache"));
            std::fs::write(&path, "x").expect("a file");
            let file = std::fs::File::options().write(true).open(&path).expect("a file");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + i)).expect("a time");
        }
        thin_out(&folder, 20);
        assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 20);
        thin_out(&folder, 16);
        let mut left: Vec<String> =
            std::fs::read_dir(&folder).expect("a folder").map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        left.sort_by_key(|name| name.trim_end_matches(".cache").parse::<u32>().expect("a number"));
        assert_eq!(left, (8..20).map(|i| format!("{i}.cache")).collect::<Vec<_>>());
        std::fs::remove_dir_all(&folder).expect("the folder goes");
    }
}
