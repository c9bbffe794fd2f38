//! The files of the workspace as modules of their crates, and the imports between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use crate::reader::{self, Word};

/// The folders that contain sources.
const ROOTS: [&str; 4] = ["src", "avxc/src", "xtask/src", "benches/src"];

/// A source file.
pub(crate) struct File {
    /// The path from the top of the repository, with slashes.
    pub(crate) path: String,
    /// The folder of the crate's root file: a folder of [`ROOTS`], or one below it that has a `main.rs`.
    pub(crate) root: String,
    /// The path of its module from the crate's root. It is empty for the root itself.
    pub(crate) module: Vec<String>,
    pub(crate) lines: usize,
    /// All words.
    pub(crate) words: Vec<Word>,
    /// The words that are compiled outside tests. It is empty if the whole file is test code.
    pub(crate) shipped: Vec<Word>,
    imports: Vec<reader::Path>,
    declared: BTreeSet<String>,
}

/// An import: the file at index `from` needs the file at index `to`, both in [`all`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) line: usize,
    pub(crate) to: usize,
}

fn collect(folder: &str, found: &mut Vec<String>) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(top.join(folder)).expect("a folder of sources").flatten() {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&path, found);
        } else if path.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// Every source file, sorted by its path.
pub(crate) fn all() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
        let mut paths = Vec::new();
        ROOTS.iter().for_each(|root| collect(root, &mut paths));
        paths.sort();
        assert!(paths.len() > 100, "few sources: {paths:?}");
        let read = |path: &String| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a readable source");
        let texts: Vec<(String, String)> = paths.iter().map(|path| (path.clone(), read(path))).collect();
        modules(&texts)
    });
    &FILES
}

/// The source files for paths and texts.
pub(crate) fn modules(texts: &[(String, String)]) -> Vec<File> {
    let roots: Vec<&str> = texts.iter().filter_map(|(path, _)| path.strip_suffix("/main.rs").or(path.strip_suffix("/lib.rs"))).collect();
    let mut of_tests: BTreeSet<(String, Vec<String>)> = BTreeSet::new();
    let mut files: Vec<File> = Vec::new();
    for (path, text) in texts {
        let below = |root: &&&str| path.strip_prefix(**root).is_some_and(|rest| rest.starts_with('/'));
        let root = roots.iter().filter(below).max_by_key(|root| root.len()).expect("a crate's root above each file").to_string();
        let mut module: Vec<String> = path[root.len() + 1..path.len() - 3].split('/').map(str::to_owned).collect();
        module.pop_if(|name| name == "mod" || (name == "main" || name == "lib"));
        let words = reader::words(&reader::code(text));
        let (shipped, tests) = reader::without_tests(&words);
        of_tests.extend(tests.into_iter().map(|name| (root.clone(), module.iter().cloned().chain([name]).collect())));
        let (imports, declared) = (reader::paths(&shipped), reader::declared(&shipped).into_iter().collect());
        files.push(File { path: path.clone(), root, module, lines: text.lines().count(), words, shipped, imports, declared });
    }
    for file in &mut files {
        if (1..=file.module.len()).any(|n| of_tests.contains(&(file.root.clone(), file.module[..n].to_vec()))) {
            file.shipped.clear();
            file.imports.clear();
        }
    }
    files
}

/// The imports between files: the files of its crate that each file needs, except itself, its parents and its children.
///
/// A parent may re-export the types of its children. An import of such a name leads on to the file that declares the name.
pub(crate) fn arrows(files: &[File]) -> Vec<Arrow> {
    let places: BTreeMap<(&str, &[String]), usize> =
        files.iter().enumerate().map(|(at, file)| ((file.root.as_str(), file.module.as_slice()), at)).collect();
    let mut found = Vec::new();
    for (from, file) in files.iter().enumerate() {
        for import in &file.imports {
            let Some(to) = target(files, &places, from, import, 0) else { continue };
            let other = &files[to].module;
            if !file.module.starts_with(other) && !other.starts_with(&file.module) {
                found.push(Arrow { from, line: import.line, to });
            }
        }
    }
    found
}

/// The layers of its crate that a file imports, including imports in its tests: the line, and the first name of the path.
pub(crate) fn reached(file: &File) -> Vec<(usize, String)> {
    let imports = reader::paths(&file.words);
    imports.iter().filter_map(|import| Some((import.line, absolute(file, import)?.into_iter().next()?))).collect()
}

/// The path from the crate's root, if the path starts at a module of this crate.
fn absolute(file: &File, import: &reader::Path) -> Option<Vec<String>> {
    let mut base: Vec<String> = file.module.iter().chain(&import.within).cloned().collect();
    let mut names = import.names.iter().peekable();
    match names.peek()?.as_str() {
        "crate" => {
            base.clear();
            names.next();
        }
        "self" => {
            names.next();
        }
        "super" => {
            while names.next_if(|n| *n == "super").is_some() {
                base.pop();
            }
        }
        // The name is a child of this module or a crate. No module's path starts with a crate's name.
        _ => {}
    }
    base.extend(names.cloned());
    Some(base)
}

/// The file that an import leads to.
fn target(
    files: &[File],
    places: &BTreeMap<(&str, &[String]), usize>,
    from: usize,
    import: &reader::Path,
    followed: usize,
) -> Option<usize> {
    let path = absolute(&files[from], import)?;
    // The crate's root only lists its modules.
    let length = (1..=path.len()).rev().find(|&n| places.contains_key(&(files[from].root.as_str(), &path[..n])))?;
    let at = places[&(files[from].root.as_str(), &path[..length])];
    let file = &files[at];
    let Some(name) = path.get(length).filter(|name| followed < 8 && !file.declared.contains(*name)) else { return Some(at) };
    let named = file.imports.iter().filter(|i| i.brings.as_ref() == Some(name));
    let all = file.imports.iter().filter(|i| i.brings.as_deref() == Some("*"));
    for import in named {
        if let Some(to) = target(files, places, at, import, followed + 1) {
            return Some(to);
        }
    }
    for import in all {
        if let Some(to) = target(files, places, at, import, followed + 1).filter(|&to| files[to].declared.contains(name)) {
            return Some(to);
        }
    }
    Some(at)
}

/// The circles between `count` files: the sets of several files in which each file reaches each other file (Tarjan's components).
pub(crate) fn circles(count: usize, arrows: &[Arrow]) -> Vec<Vec<usize>> {
    let mut next = vec![BTreeSet::new(); count];
    for arrow in arrows {
        next[arrow.from].insert(arrow.to);
    }
    let next: Vec<Vec<usize>> = next.into_iter().map(|n| n.into_iter().collect()).collect();
    let (mut index, mut low) = (vec![usize::MAX; count], vec![0; count]);
    let (mut stack, mut on_stack) = (Vec::new(), vec![false; count]);
    let (mut counter, mut found) = (0, Vec::new());
    for start in 0..count {
        let mut calls = vec![(start, 0)];
        while let Some((at, edge)) = calls.pop() {
            if edge == 0 {
                if index[at] != usize::MAX {
                    continue;
                }
                (index[at], low[at], on_stack[at]) = (counter, counter, true);
                counter += 1;
                stack.push(at);
            } else {
                let child: usize = next[at][edge - 1];
                if on_stack[child] {
                    low[at] = low[at].min(low[child]);
                }
            }
            if let Some(&child) = next[at].get(edge) {
                calls.push((at, edge + 1));
                calls.push((child, 0));
            } else if low[at] == index[at] {
                let from = stack.iter().rposition(|&s| s == at).expect("its own place");
                let mut circle = stack.split_off(from);
                circle.iter().for_each(|&s| on_stack[s] = false);
                circle.sort_unstable();
                if circle.len() > 1 {
                    found.push(circle);
                }
            }
        }
    }
    found
}
