//! The plan of the house, held: data flows `ffi -> runtime -> {compile, vulkan}` and never back, and `unsafe` lives in two rings.
//! No GPU is needed.

use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom; every layer may use itself.
const ARROWS: [(&str, &[&str]); 4] = [("ffi", &["runtime"]), ("runtime", &["compile", "vulkan"]), ("compile", &[]), ("vulkan", &[])];

/// The two rings.
const UNSAFE: [&str; 2] = ["ffi", "vulkan"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its layer ("" for lib.rs) and its path below src.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    files(&source(), &mut found);
    assert!(found.len() > 10, "few sources: {found:?}");
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a readable source");
            let below = path.strip_prefix(source()).expect("below src").to_owned();
            let layer = match below.components().count() {
                1 => below.file_stem().map(|s| s.to_string_lossy().into_owned()).filter(|s| ARROWS.iter().any(|a| a.0 == s)),
                _ => below.components().next().map(|c| c.as_os_str().to_string_lossy().into_owned()),
            };
            (layer.unwrap_or_default(), below, text)
        })
        .collect()
}

/// The source with comments, texts and characters blanked, so that only code is looked at. Lines stay.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let bytes: Vec<char> = text.chars().collect();
    let mut i = 0;
    let blank = |out: &mut String, c: char| out.push(if c == '\n' { '\n' } else { ' ' });
    while i < bytes.len() {
        let rest = &bytes[i..];
        if rest.starts_with(&['/', '/']) {
            while i < bytes.len() && bytes[i] != '\n' {
                blank(&mut out, bytes[i]);
                i += 1;
            }
        } else if rest.starts_with(&['/', '*']) {
            let mut depth = 0;
            loop {
                let rest = &bytes[i..];
                let step = if rest.starts_with(&['/', '*']) {
                    depth += 1;
                    2
                } else if rest.starts_with(&['*', '/']) {
                    depth -= 1;
                    2
                } else {
                    1
                };
                for &c in &rest[..step.min(rest.len())] {
                    blank(&mut out, c);
                }
                i += step;
                if depth == 0 || i >= bytes.len() {
                    break;
                }
            }
        } else if let Some(hashes) = raw_text(rest) {
            let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let start = 2 + hashes;
            let length = (start..rest.len()).find(|&n| rest[n..].starts_with(&end)).map_or(rest.len(), |n| n + end.len());
            for &c in &rest[..length] {
                blank(&mut out, c);
            }
            i += length;
        } else if rest[0] == '"' {
            let mut n = 1;
            while n < rest.len() && rest[n] != '"' {
                n += if rest[n] == '\\' { 2 } else { 1 };
            }
            let length = (n + 1).min(rest.len());
            for &c in &rest[..length] {
                blank(&mut out, c);
            }
            i += length;
        } else if rest[0] == '\'' && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
            let length = (2..rest.len()).find(|&n| (n >= 3 || rest[n - 1] != '\\') && rest[n] == '\'').map_or(1, |n| n + 1);
            for &c in &rest[..length] {
                blank(&mut out, c);
            }
            i += length;
        } else {
            out.push(rest[0]);
            i += 1;
        }
    }
    out
}

/// The number of hashes if a raw text starts here.
fn raw_text(rest: &[char]) -> Option<usize> {
    if rest.first() != Some(&'r') {
        return None;
    }
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    (rest.get(1 + hashes) == Some(&'"')).then_some(hashes)
}

/// The words of code, with `::` and braces as words of their own.
fn words(code: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let mut word = String::new();
        for c in text.chars().chain([' ']) {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                found.push((line, std::mem::take(&mut word)));
            }
            if !c.is_whitespace() {
                found.push((line, c.to_string()));
            }
        }
    }
    found
}

/// Which layers a file reaches for: `crate::layer`, a `super::` chain that ends at the crate's root, and `crate::{a, b}`.
fn reaches(depth: usize, words: &[(usize, String)]) -> Vec<(usize, String)> {
    let is = |i: usize, word: &str| words.get(i).is_some_and(|w| w.1 == word);
    let path_follows = |i: usize| is(i, ":") && is(i + 1, ":");
    let mut found = Vec::new();
    for i in 0..words.len() {
        let mut at = i;
        if is(i, "crate") && path_follows(i + 1) {
            at = i + 3;
        } else if is(i, "super") && !(i >= 3 && is(i - 3, "super")) {
            let mut ups = 0;
            while is(at, "super") && path_follows(at + 1) {
                ups += 1;
                at += 3;
            }
            if ups < depth {
                continue;
            }
        } else {
            continue;
        }
        if is(at, "{") {
            let mut nested = 0;
            let mut first = true;
            for (line, word) in &words[at..] {
                match word.as_str() {
                    "{" => nested += 1,
                    "}" => nested -= 1,
                    "," if nested == 1 => first = true,
                    word if nested == 1 && first => {
                        found.push((*line, word.to_owned()));
                        first = false;
                    }
                    _ => {}
                }
                if nested == 0 {
                    break;
                }
                if nested == 1 && word == "{" {
                    first = true;
                }
            }
        } else if let Some((line, word)) = words.get(at) {
            found.push((*line, word.clone()));
        }
    }
    found
}

#[test]
fn no_arrow_runs_back() {
    let mut wrong = Vec::new();
    for (layer, path, text) in sources() {
        let Some((_, allowed)) = ARROWS.iter().find(|a| a.0 == layer) else { continue };
        // `super` chains longer than the file's depth within its layer reach the crate's root.
        let parts = path.components().count();
        let is_module_root = path.file_name().is_some_and(|n| n == "mod.rs") || parts == 1;
        let depth = if is_module_root { parts.max(2) - 1 } else { parts };
        for (line, target) in reaches(depth, &words(&code(&text))) {
            let is_layer = ARROWS.iter().any(|a| a.0 == target);
            if is_layer && target != layer && !allowed.contains(&target.as_str()) {
                wrong.push(format!("src/{}:{line}: {layer} reaches for {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that run back:\n{}", wrong.join("\n"));
}

#[test]
fn unsafe_lives_in_two_rings() {
    let mut wrong = Vec::new();
    for (layer, path, text) in sources() {
        if UNSAFE.contains(&layer.as_str()) {
            continue;
        }
        wrong.extend(words(&code(&text)).iter().filter(|w| w.1 == "unsafe").map(|(line, _)| format!("src/{}:{line}", path.display())));
    }
    assert!(wrong.is_empty(), "unsafe outside src/ffi and src/vulkan:\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_sees_through_comments_and_texts() {
    let text = "// unsafe\n/* unsafe /* crate::ffi */ */ let a = \"unsafe \\\" crate::ffi\"; let b = r#\"unsafe\"#; let c = '\"'; let d = '\\''; crate::real::x; fn f<'a>() {}";
    let words = words(&code(text));
    assert!(!words.iter().any(|w| w.1 == "unsafe"), "{words:?}");
    assert_eq!(reaches(2, &words), [(2, "real".to_owned())]);
    let nested = code("use crate::{ffi::a, runtime::{b, c}, vulkan};\nuse super::super::compile::x; use super::near;");
    let targets: Vec<String> = reaches(2, &self::words(&nested)).into_iter().map(|r| r.1).collect();
    assert_eq!(targets, ["ffi", "runtime", "vulkan", "compile"]);
}

#[test]
fn no_file_is_longer_than_600_lines() {
    for (_, path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 600, "src/{} has {lines} lines and is asking to be two files", path.display());
    }
}
