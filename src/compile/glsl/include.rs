//! Files that `#include` names. They are searched next to the including file and then in the caller's include directories. No path in a
//! kernel's text can leave these directories, and neither can a symbolic link in them.

use std::fs::File as SystemFile;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The largest file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The path of an included file: the index of an include directory, and the names below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IncludePath {
    /// The index of the include directory.
    folder: usize,
    /// The names of the directories below it, and of the file.
    names: Vec<String>,
}

impl IncludePath {
    /// The include directory.
    pub(super) fn folder<'a>(&self, folders: &[&'a str]) -> &'a str {
        folders.get(self.folder).copied().unwrap_or("")
    }

    /// The path for messages and for the system.
    pub(super) fn path(&self, folders: &[&str]) -> String {
        let folder = self.folder(folders);
        let slash = if folder.ends_with('/') || folder.is_empty() { "" } else { "/" };
        format!("{folder}{slash}{}", self.names.join("/"))
    }
}

/// The paths where the file `name` may be, in search order: next to `from` if the name is quoted, then in each include directory. Absolute
/// paths and paths that leave the directories are left out.
pub(super) fn candidates(name: &str, quoted: bool, from: Option<&IncludePath>, folders: usize) -> Vec<IncludePath> {
    let mut list: Vec<IncludePath> = Vec::new();
    if let Some(from) = from.filter(|_| quoted) {
        let beside = from.names.get(..from.names.len().saturating_sub(1)).unwrap_or(&[]);
        list.extend(below(beside, name).map(|names| IncludePath { folder: from.folder, names }));
    }
    for folder in 0..folders {
        let in_folder = below(&[], name).map(|names| IncludePath { folder, names });
        list.extend(in_folder.filter(|located| !list.contains(located)));
    }
    list
}

/// The names on the path to `name`, relative to the directory `start`. `None` for an absolute path, for a path that leaves the include
/// directory, and for a path without a file name.
fn below(start: &[String], name: &str) -> Option<Vec<String>> {
    if name.starts_with(['/', '\\']) || name.contains([':', '\0']) {
        return None;
    }
    let mut names = start.to_vec();
    for part in name.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            part => names.push(part.to_owned()),
        }
    }
    (!names.is_empty()).then_some(names)
}

/// Reads the file `path` in the include directory `folder`. Returns `None` if the file does not exist, and an error text if it cannot be
/// read, is too large, or is outside of the directory, where a symbolic link may lead.
pub(super) fn read(folder: &str, path: &str) -> Result<Option<String>, String> {
    let path = Path::new(path);
    let is_missing = |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    // Only the parts of the path that links do not change are known yet, so nothing is opened before the place of the file is.
    let place = match inside(folder, path) {
        Ok(Some(place)) => place,
        Ok(None) => return Err(format!("is outside of its include directory {folder}, where a symbolic link leads")),
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    // The file is checked before it is opened, because opening a device may have effects.
    match std::fs::metadata(&place) {
        Ok(metadata) if !metadata.is_file() => return Ok(None),
        Ok(_) => {}
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    }
    let file = open(&place).map_err(|error| format!("cannot be read: {error}"))?;
    // Another process may have replaced a part of the path by a link after the check. Then this is another file than the one inside.
    if !inside(folder, path).is_ok_and(|now| now.is_some_and(|now| now == place && is_file_at(&file, &place))) {
        return Err("was replaced while it was opened".to_owned());
    }
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if size > MAX_FILE {
        return Err(format!("has {size} bytes, and the limit is {MAX_FILE}"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("has more than {MAX_FILE} bytes, which is the limit"));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| format!("is not UTF-8: byte {}", error.utf8_error().valid_up_to()))
}

/// The place of a file after all symbolic links; `None` if the place is not inside of the directory `folder`.
fn inside(folder: &str, path: &Path) -> io::Result<Option<PathBuf>> {
    let folder = std::fs::canonicalize(if folder.is_empty() { "." } else { folder })?;
    let place = std::fs::canonicalize(path)?;
    Ok(place.starts_with(&folder).then_some(place))
}

/// Opens a file for reading. The place has no links in it, and a link that has come meanwhile is not followed. The call does not wait for
/// the other end of a pipe.
#[cfg(unix)]
fn open(place: &Path) -> io::Result<SystemFile> {
    use std::os::unix::fs::OpenOptionsExt as _;
    SystemFile::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(place)
}

/// Opens a file for reading.
#[cfg(not(unix))]
fn open(place: &Path) -> io::Result<SystemFile> {
    SystemFile::open(place)
}

/// True if the open file is an ordinary file and the one at this place.
#[cfg(unix)]
fn is_file_at(file: &SystemFile, place: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::symlink_metadata(place)) {
        (Ok(opened), Ok(there)) => opened.is_file() && opened.dev() == there.dev() && opened.ino() == there.ino(),
        _ => false,
    }
}

/// True if the open file is an ordinary file.
#[cfg(not(unix))]
fn is_file_at(file: &SystemFile, _place: &Path) -> bool {
    file.metadata().is_ok_and(|opened| opened.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(name: &str, quoted: bool, from: Option<&[&str]>) -> Vec<String> {
        let from = from.map(|names| IncludePath { folder: 1, names: names.iter().map(|n| (*n).to_owned()).collect() });
        candidates(name, quoted, from.as_ref(), 2).iter().map(|located| located.path(&["a", "/b/"])).collect()
    }

    #[test]
    fn the_asking_file_comes_first_and_then_the_folders() {
        assert_eq!(paths("x.h", true, None), ["a/x.h", "/b/x.h"]);
        assert_eq!(paths("x.h", true, Some(&["sub", "y.h"])), ["/b/sub/x.h", "a/x.h", "/b/x.h"]);
        assert_eq!(paths("x.h", false, Some(&["sub", "y.h"])), ["a/x.h", "/b/x.h"]);
        assert_eq!(paths("./p//x.h", true, Some(&["y.h"])), ["/b/p/x.h", "a/p/x.h"]);
        assert_eq!(paths("../x.h", true, Some(&["sub", "y.h"])), ["/b/x.h"]);
    }

    #[test]
    fn no_path_leaves_the_folders() {
        for name in ["/etc/passwd", "../x", "a/../../x", "\\x", "c:x", "c:\\x", "", ".", "a/..", "\0"] {
            assert_eq!(paths(name, true, None), [""; 0], "{name}");
        }
        assert_eq!(paths("../../x.h", true, Some(&["sub", "y.h"])), [""; 0]);
    }

    #[test]
    fn what_is_no_file_is_not_found() {
        assert_eq!(read("/", "/"), Ok(None));
        assert_eq!(read("/dev", "/dev/zero"), Ok(None));
        assert_eq!(read("/", "/nowhere/at/all"), Ok(None));
        assert_eq!(read("/nowhere", "/nowhere/at/all"), Ok(None));
    }

    /// A folder `all` with files and links in it, removed when dropped.
    #[cfg(unix)]
    struct Tree(PathBuf);

    #[cfg(unix)]
    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leaves_the_folder() {
        use std::os::unix::fs::symlink;
        let tree = Tree(std::env::temp_dir().join(format!("avx_gpu_include_{}", std::process::id())));
        let top = &tree.0;
        std::fs::create_dir_all(top.join("in/sub")).expect("folders");
        std::fs::create_dir_all(top.join("in_too")).expect("folders");
        for name in ["secret.h", "in_too/secret.h", "in/sub/own.h"] {
            std::fs::write(top.join(name), name).expect("a file");
        }
        for (to, link) in [
            (top.join("secret.h"), "in/absolute.h"),
            ("../secret.h".into(), "in/relative.h"),
            ("../in_too/secret.h".into(), "in/neighbour.h"),
            ("..".into(), "in/up"),
            ("sub".into(), "in/down"),
            ("sub/own.h".into(), "in/own.h"),
            (top.join("in/sub/own.h"), "in/own_absolute.h"),
            ("nowhere.h".into(), "in/dangling.h"),
            ("loop.h".into(), "in/loop.h"),
            ("in".into(), "link_to_in"),
        ] {
            symlink(to, top.join(link)).expect("a link");
        }
        for folder in ["in", "link_to_in"] {
            let folder = top.join(folder);
            let folder = folder.to_str().expect("UTF-8");
            let read = |name: &str| read(folder, &format!("{folder}/{name}"));
            for name in ["absolute.h", "relative.h", "neighbour.h", "up/secret.h", "up/in_too/secret.h"] {
                let why = read(name).expect_err(name);
                assert!(why.contains("outside of its include directory") && why.contains("symbolic link"), "{name}: {why}");
            }
            for name in ["sub/own.h", "down/own.h", "own.h", "own_absolute.h", "up/in/sub/own.h"] {
                assert_eq!(read(name), Ok(Some("in/sub/own.h".to_owned())), "{name}");
            }
            assert_eq!(read("dangling.h"), Ok(None));
            assert!(read("loop.h").expect_err("a loop").contains("cannot be read"));
        }
    }
}
