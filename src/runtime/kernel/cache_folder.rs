//! The folder of the files that keep what was compiled. It is called avx_gpu and belongs to the user alone.

use super::disk::{self, Key, Loaded};
use crate::runtime::base::log::{self, DeviceLog};
use crate::sys::{self, PrivateFolder};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// The name of the folder.
const NAME: &str = "avx_gpu";
/// The most files that a folder keeps. Beyond it the oldest are removed.
const MOST: usize = 1024;
/// A temporary file that is older than this was left by a program that ended while it wrote.
const LEFT: Duration = Duration::from_secs(3600);

/// A folder of cache files, as avx_create was told. Nothing is made before the first file is stored.
pub(crate) struct CacheFolder {
    /// The folder that contains the folder avx_gpu. The path is absolute, so it does not depend on the current folder of the program.
    parent: PathBuf,
    /// The folder in the folder avx_gpu; `None` for the folder avx_gpu itself.
    below: Option<&'static str>,
    log: Arc<DeviceLog>,
    /// The log has been told that the folder cannot be used.
    warned: AtomicBool,
}

impl CacheFolder {
    /// The folder for `given`, the folder of all caches as avx_create takes it: `None` is the user's cache folder, and an empty text is no
    /// cache. The result is `None` if there is to be no cache.
    pub(crate) fn open(given: Option<&str>, below: Option<&'static str>, log: &Arc<DeviceLog>) -> Option<CacheFolder> {
        let parent = match given {
            Some("") => return None,
            Some(folder) => match std::path::absolute(folder) {
                Ok(folder) => parent_of(folder),
                Err(e) => {
                    log.line(
                        log::Level::Warn,
                        format!("no compiled kernels are kept: the cache folder '{folder}' has no absolute path: {e}"),
                    );
                    return None;
                }
            },
            // The caller of a setuid program chooses the variables that name this folder.
            None if !sys::trusts_its_caller() => return None,
            None => dirs::cache_dir()?,
        };
        Some(CacheFolder { parent, below, log: log.clone(), warned: AtomicBool::new(false) })
    }

    /// The path, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.below.into_iter().fold(self.parent.join(NAME), |path, name| path.join(name))
    }

    /// Reads the payload of a file. If the folder cannot be used, the log says so once, and the file counts as missing.
    pub(crate) fn load(&self, key: &Key) -> Loaded {
        let folder = PrivateFolder::open(&self.parent, NAME).and_then(|folder| match self.below {
            Some(name) => folder.open_below(name),
            None => Ok(folder),
        });
        match folder {
            Ok(folder) => disk::load(&folder, key),
            Err(error) => {
                if !matches!(error.kind(), io::ErrorKind::NotFound) {
                    self.warn("read", &error);
                }
                Loaded::Missing
            }
        }
    }

    /// Stores a file. False if that is not possible, of which the log says so once.
    pub(crate) fn store(&self, key: &Key, payload: &[u8]) -> bool {
        let folder = PrivateFolder::make(&self.parent, NAME).and_then(|folder| match self.below {
            Some(name) => folder.make_below(name),
            None => Ok(folder),
        });
        let stored = folder.and_then(|folder| {
            disk::store(&folder, key, payload)?;
            thin_out(&self.path(), &folder, MOST, SystemTime::now());
            Ok(())
        });
        stored.inspect_err(|error| self.warn("written", error)).is_ok()
    }

    /// Removes a file. Returns whether it was there.
    pub(crate) fn remove(&self, key: &Key) -> bool {
        let folder = PrivateFolder::open(&self.parent, NAME).and_then(|folder| match self.below {
            Some(name) => folder.open_below(name),
            None => Ok(folder),
        });
        folder.and_then(|folder| folder.remove(&disk::file_name(key))).is_ok()
    }

    fn warn(&self, what: &str, error: &io::Error) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            self.log.line(log::Level::Warn, format!("the kernel cache in {} cannot be {what}: {error}", self.path().display()));
        }
    }
}

/// The folder in which the folder avx_gpu is, for a folder that a program names. The program may name the folder avx_gpu itself.
fn parent_of(folder: PathBuf) -> PathBuf {
    match (folder.file_name(), folder.parent()) {
        (Some(name), Some(parent)) if name == NAME => parent.to_owned(),
        _ => folder,
    }
}

/// Removes the oldest files of a folder with more than `most` files, down to three quarters, and what other programs left half-written.
/// Only files with a name as the library gives it count. Another process may do so at the same time, so a file that cannot be read or
/// removed is left.
fn thin_out(path: &Path, folder: &PrivateFolder, most: usize, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(path) else { return };
    let mut files: Vec<(SystemTime, String)> = Vec::new();
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(changed) = entry.metadata().ok().filter(|metadata| metadata.is_file()).and_then(|m| m.modified().ok()) else { continue };
        match disk::kind_of(&name) {
            Some(disk::FileKind::Whole) => files.push((changed, name)),
            Some(disk::FileKind::Temporary) if now.duration_since(changed).is_ok_and(|age| age > LEFT) => drop(folder.remove(&name)),
            _ => {}
        }
    }
    if files.len() > most {
        files.sort();
        files.iter().take(files.len() - most * 3 / 4).for_each(|(_, name)| drop(folder.remove(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A temporary folder, which is removed at the end.
    struct Top(PathBuf);

    impl Top {
        fn new(name: &str) -> Top {
            let path = std::env::temp_dir().join(format!("avx_gpu_cache_folder_{name}_{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).expect("a folder");
            Top(path)
        }
    }

    impl Drop for Top {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn cache(given: Option<&str>) -> Option<CacheFolder> {
        CacheFolder::open(given, None, &Arc::new(DeviceLog::new(None)))
    }

    #[test]
    fn the_oldest_of_the_librarys_own_files_go() {
        let top = Top::new("oldest");
        let folder = PrivateFolder::make(&top.0, NAME).expect("a folder");
        let path = top.0.join(NAME);
        let now = SystemTime::now();
        let make = |name: &str, age: u64| {
            fs::write(path.join(name), "x").expect("a file");
            let file = fs::File::options().write(true).open(path.join(name)).expect("a file");
            file.set_modified(now - Duration::from_secs(age)).expect("a time");
        };
        for i in 0..20 {
            make(&format!("{i:032x}.cache"), 100_000 - i);
        }
        let (young, old) = (format!("{:032x}.cache.{:016x}.tmp", 1, 2), format!("{:032x}.cache.{:016x}.tmp", 1, 3));
        make(&young, 60);
        make(&old, 7200);
        // The oldest of all, and of other people. Some names are nearly those of the library.
        let others = ["holiday.jpg", "1.cache", "x.tmp", &format!("{:032X}.cache", 0xabcu32), &format!("{:032x}.cache.old", 1)];
        others.iter().for_each(|name| make(name, 1_000_000));
        fs::create_dir(path.join(format!("{:032x}.cache", 99))).expect("a folder");
        let names = || -> Vec<String> {
            let mut names: Vec<String> =
                fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
            names.sort();
            names
        };
        let before = names();
        thin_out(&path, &folder, 20, now);
        assert_eq!(names(), before.iter().filter(|name| **name != old).cloned().collect::<Vec<_>>());
        thin_out(&path, &folder, 16, now);
        let gone: Vec<String> = (0..8).map(|i| format!("{i:032x}.cache")).chain([old]).collect();
        assert_eq!(names(), before.iter().filter(|name| !gone.contains(name)).cloned().collect::<Vec<_>>());
    }

    #[test]
    fn the_path_is_absolute_and_the_folder_is_called_avx_gpu() {
        let here = std::env::current_dir().expect("a folder");
        assert_eq!(cache(Some("kernels")).expect("a cache").path(), here.join("kernels/avx_gpu"));
        assert_eq!(cache(Some("/a/avx_gpu")).expect("a cache").path(), Path::new("/a/avx_gpu"));
        assert_eq!(cache(Some("/a/avx_gpu/")).expect("a cache").path(), Path::new("/a/avx_gpu"));
        assert_eq!(cache(Some("/")).expect("a cache").path(), Path::new("/avx_gpu"));
        assert!(cache(Some("")).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_used_is_told_once() {
        use std::sync::Mutex;
        let top = Top::new("told");
        std::os::unix::fs::symlink("elsewhere", top.0.join(NAME)).expect("a link");
        fs::create_dir(top.0.join("elsewhere")).expect("a folder");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink: log::Sink = {
            let lines = lines.clone();
            Arc::new(move |record, _| lines.lock().expect("no panic").push(record.text.clone()))
        };
        let log = Arc::new(DeviceLog::new(Some((sink, log::Level::Warn))));
        let cache = CacheFolder::open(top.0.to_str(), None, &log).expect("a cache");
        let key = Key::of_content(7);
        for _ in 0..3 {
            assert_eq!(cache.load(&key), Loaded::Missing);
            assert!(!cache.store(&key, b"payload"));
        }
        log::deliver();
        let lines = lines.lock().expect("no panic");
        assert!(lines.len() == 1 && lines[0].contains("cannot be read") && lines[0].contains(NAME), "{lines:?}");
        assert_eq!(fs::read_dir(top.0.join("elsewhere")).expect("a folder").count(), 0);
    }
}
