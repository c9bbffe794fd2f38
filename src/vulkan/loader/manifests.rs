//! The manifests of drivers and layers, small JSON files that the loader reads. Some loaders give up at a manifest that is no JSON and
//! report a lack of memory. This module finds such a manifest, so that the error can name it. It only runs after the loader has failed.

use crate::sys;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A manifest of a driver or a layer takes some hundred bytes. Larger files are not read.
const MOST: u64 = 1 << 20;
/// JSON that is nested deeper is not a manifest.
const DEEPEST: u32 = 64;

/// The variables by which the user names driver manifests, from the one that wins to the others.
const VARIABLES: [&str; 3] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"];

/// The manifests that the loader reads in this environment and that are no JSON.
pub(super) fn malformed() -> Vec<PathBuf> {
    let all = manifests(&|name| sys::variable(name), &|folder| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.sort();
        files
    });
    all.into_iter().filter(|path| is_malformed(path)).collect()
}

/// The manifests that the loader reads, with duplicates removed. `list` gives the files of a folder.
fn manifests(variable: &dyn Fn(&str) -> Option<OsString>, list: &dyn Fn(&Path) -> Vec<PathBuf>) -> Vec<PathBuf> {
    let paths = |name: &str| -> Vec<PathBuf> { variable(name).map(|value| std::env::split_paths(&value).collect()).unwrap_or_default() };
    let named: Vec<PathBuf> = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].into_iter().map(paths).find(|p| !p.is_empty()).unwrap_or_default();
    let home = variable("HOME").map(PathBuf::from);
    let in_home = |name: &str, part: &str| variable(name).map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(part)));
    let or = |found: Vec<PathBuf>, default: &[&str]| if found.is_empty() { default.iter().map(PathBuf::from).collect() } else { found };
    let mut roots: Vec<PathBuf> = in_home("XDG_CONFIG_HOME", ".config").into_iter().collect();
    roots.extend(or(paths("XDG_CONFIG_DIRS"), &["/etc/xdg"]));
    roots.push("/etc".into());
    roots.extend(in_home("XDG_DATA_HOME", ".local/share"));
    roots.extend(or(paths("XDG_DATA_DIRS"), &["/usr/local/share", "/usr/share"]));

    let folders =
        if named.is_empty() { &["icd.d", "implicit_layer.d", "explicit_layer.d"][..] } else { &["implicit_layer.d", "explicit_layer.d"] };
    let mut files = named;
    files.extend(paths("VK_ADD_DRIVER_FILES"));
    files.extend(paths("VK_LAYER_PATH"));
    files.extend(roots.iter().flat_map(|root| folders.iter().map(move |folder| root.join("vulkan").join(folder))));
    // A variable may name files and folders.
    let is_manifest = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut all: Vec<PathBuf> = Vec::new();
    for file in files {
        let found = if is_manifest(&file) { vec![file] } else { list(&file).into_iter().filter(is_manifest).collect() };
        all.extend(found);
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|path| seen.insert(path.clone()));
    all
}

/// True for a regular file that can be read and is neither JSON nor empty. The loader passes over an empty file.
fn is_malformed(path: &Path) -> bool {
    let is_small = std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= MOST);
    is_small && std::fs::read(path).is_ok_and(|bytes| !bytes.is_empty() && !is_json(&bytes))
}

/// True if the bytes are one JSON value, in an encoding that the loader reads.
fn is_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut json = Json { rest: text };
    std::str::from_utf8(text).is_ok() && json.value(0).is_some() && {
        json.blanks();
        json.rest.is_empty()
    }
}

/// What is left of a text to check.
struct Json<'a> {
    rest: &'a [u8],
}

impl Json<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Passes over `word`, with blanks before it.
    fn take(&mut self, word: &[u8]) -> Option<()> {
        self.blanks();
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// Passes over one value. `None` if there is none.
    fn value(&mut self, depth: u32) -> Option<()> {
        self.blanks();
        match self.rest.first()? {
            _ if depth > DEEPEST => None,
            b'{' => self.list(b'}', |json| {
                json.string()?;
                json.take(b":")?;
                json.value(depth + 1)
            }),
            b'[' => self.list(b']', |json| json.value(depth + 1)),
            b'"' => self.string(),
            b't' => self.take(b"true"),
            b'f' => self.take(b"false"),
            b'n' => self.take(b"null"),
            _ => self.number(),
        }
    }

    /// Passes over members between brackets, of which the first one is next.
    fn list(&mut self, end: u8, mut member: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.rest = &self.rest[1..];
        if self.take(&[end]).is_some() {
            return Some(());
        }
        loop {
            member(self)?;
            if self.take(b",").is_none() {
                return self.take(&[end]);
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.take(b"\"")?;
        loop {
            let (first, rest) = self.rest.split_first()?;
            self.rest = rest;
            match first {
                b'"' => return Some(()),
                // The character behind it cannot end the string. Which characters may stand there is left to the loader.
                b'\\' => self.rest = self.rest.get(1..)?,
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        let length = self.rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        let (number, rest) = self.rest.split_at(length);
        self.rest = rest;
        std::str::from_utf8(number).ok()?.parse::<f64>().ok().map(drop)
    }
}

/// The variables that name driver manifests, as a sentence each, for those that are set.
pub(super) fn variables_set() -> String {
    let told = |name: &str| sys::variable(name).map(|value| format!(" {name} is set to \"{}\".", value.display()));
    VARIABLES.into_iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_other_texts() {
        let manifest =
            br#"{ "file_format_version": "1.0.0", "ICD": { "library_path": "a\\\"b", "x": [1, -2.5e3, true, false, null, {}, []] } }"#;
        assert!(is_json(manifest));
        for good in [&b" 1 "[..], b"\"x\"", b"\xef\xbb\xbf{}", b"[[], {\"a\": {}}]"] {
            assert!(is_json(good), "{:?}", good.escape_ascii());
        }
        for length in 0..manifest.len() {
            assert!(!is_json(&manifest[..length]), "the first {length} bytes");
        }
        let deep = [b"[".repeat(5000), b"]".repeat(5000)].concat();
        for bad in
            [&b"{ not json"[..], b"{\"a\":1,}", b"{\"a\" 1}", b"[1 2]", b"tru", b"{} x", b"\"a\nb\"", b"\xff\xfe{}", b"-", b"{1:2}", &deep]
        {
            assert!(!is_json(bad), "{:?}", bad.escape_ascii());
        }
    }

    #[test]
    fn manifests_are_where_the_loader_looks() {
        let none = |_: &str| None;
        let list = |folder: &Path| vec![folder.join("a.json"), folder.join("readme.txt")];
        let all = manifests(&none, &list);
        for path in ["/etc/vulkan/icd.d/a.json", "/usr/share/vulkan/icd.d/a.json", "/usr/share/vulkan/implicit_layer.d/a.json"] {
            assert!(all.contains(&PathBuf::from(path)), "{path}: {all:?}");
        }
        assert!(all.iter().all(|path| path.extension().is_some_and(|extension| extension == "json")));
        let some = |name: &str| match name {
            "VK_ICD_FILENAMES" => Some("/x/one.json:/x/folder".into()),
            "HOME" => Some("/home/me".into()),
            _ => None,
        };
        let all = manifests(&some, &list);
        assert_eq!(all[..2], [PathBuf::from("/x/one.json"), PathBuf::from("/x/folder/a.json")]);
        assert!(!all.iter().any(|path| path.to_string_lossy().contains("/vulkan/icd.d/")), "{all:?}");
        assert!(all.contains(&PathBuf::from("/home/me/.local/share/vulkan/implicit_layer.d/a.json")), "{all:?}");
    }
}
