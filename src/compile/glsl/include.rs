//! Files that `#include` names. They are searched next to the including file and then in the caller's include directories. No path in a
//! kernel's text can leave these directories.

use std::fs::File as SystemFile;
use std::io::Read as _;
use std::path::Path;

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
    /// The path for messages and for the system.
    pub(super) fn path(&self, folders: &[&str]) -> String {
        let folder = folders.get(self.folder).copied().unwrap_or("");
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

/// Reads a file. Returns `None` if the file does not exist, and an error text if it cannot be read or is too large.
pub(super) fn read(path: &str) -> Result<Option<String>, String> {
    let path = Path::new(path);
    // The file is checked before it is opened, because opening a pipe would block until another process writes to it.
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Ok(None),
        Ok(metadata) if metadata.len() > MAX_FILE => {
            return Err(format!("has {} bytes, and the limit is {MAX_FILE}", metadata.len()));
        }
        Ok(_) => {}
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    }
    let mut bytes = Vec::new();
    let outcome = SystemFile::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    outcome.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("has more than {MAX_FILE} bytes, which is the limit"));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| format!("is not UTF-8: byte {}", error.utf8_error().valid_up_to()))
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
        assert_eq!(read("/"), Ok(None));
        assert_eq!(read("/dev/zero"), Ok(None));
        assert_eq!(read("/nowhere/at/all"), Ok(None));
    }
}
