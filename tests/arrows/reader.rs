//! A small reader of Rust source, which finds only what the import checks need: words, code that is compiled only for tests, and
//! paths to modules.

/// A word of the source or another character that is not blank, with its line.
pub(crate) type Word = (usize, String);

/// A path as written, from its first name to its last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    /// The names of the inline modules around this path.
    pub(crate) within: Vec<String>,
    pub(crate) names: Vec<String>,
    /// The name that a `use` gives the path in this file; "*" if the `use` imports all names of a module.
    pub(crate) brings: Option<String>,
}

/// The source with comments, strings and characters blanked out, so that only code remains. The line numbers stay the same.
pub(crate) fn code(text: &str) -> String {
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

/// The number of hashes, if a raw string starts here.
fn raw_text(rest: &[char]) -> Option<usize> {
    if rest.first() != Some(&'r') {
        return None;
    }
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    (rest.get(1 + hashes) == Some(&'"')).then_some(hashes)
}

/// The words of the code. `::` and braces are words of their own.
pub(crate) fn words(code: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
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

fn is(words: &[Word], at: usize, word: &str) -> bool {
    words.get(at).is_some_and(|w| w.1 == word)
}

fn are(words: &[Word], at: usize, these: &[&str]) -> bool {
    these.iter().zip(at..).all(|(word, at)| is(words, at, word))
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The index of the word after the item, field or statement that starts at `at`, which includes its attributes.
fn after_item(words: &[Word], mut at: usize) -> usize {
    let mut depth = 0;
    let mut is_use = false;
    while let Some((_, word)) = words.get(at) {
        match word.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return at,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 && !is_use {
                    return at + 1;
                }
            }
            ";" | "," if depth == 0 => return at + 1,
            "use" if depth == 0 => is_use = true,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The words that are compiled outside tests, and the names of the modules in other files that are test code.
pub(crate) fn without_tests(words: &[Word]) -> (Vec<Word>, Vec<String>) {
    let (mut kept, mut modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < words.len() {
        let is_test =
            are(words, at, &["#", "[", "cfg", "(", "test", ")", "]"]) || are(words, at, &["#", "[", "cfg", "(", "all", "(", "test", ","]);
        if is_test {
            let start = (at..words.len()).find(|&n| words[n].1 == "]").map_or(words.len(), |n| n + 1);
            let end = after_item(words, start);
            let item = &words[start..end];
            if let Some(m) = item.iter().position(|w| w.1 == "mod").filter(|&m| is(item, m + 2, ";")) {
                modules.push(item[m + 1].1.clone());
            }
            at = end;
        } else {
            kept.push(words[at].clone());
            at += 1;
        }
    }
    (kept, modules)
}

/// The names that a file declares.
pub(crate) fn declared(words: &[Word]) -> Vec<String> {
    const WORDS: [&str; 8] = ["struct", "enum", "union", "trait", "fn", "type", "const", "static"];
    words.windows(2).filter(|w| WORDS.contains(&w[0].1.as_str())).map(|w| w[1].1.clone()).collect()
}

/// Every path of a `use`, and every path in the code that starts with `crate`, `super` or `self`.
pub(crate) fn paths(words: &[Word]) -> Vec<Path> {
    let (mut found, mut at, mut depth) = (Vec::new(), 0, 0);
    let mut within: Vec<(usize, String)> = Vec::new();
    while at < words.len() {
        match words[at].1.as_str() {
            "mod" if is(words, at + 2, "{") => {
                depth += 1;
                within.push((depth, words[at + 1].1.clone()));
                at += 3;
                continue;
            }
            "{" => depth += 1,
            "}" => {
                within.pop_if(|(opened, _)| *opened == depth);
                depth = depth.saturating_sub(1);
            }
            // `use<'a>` is a bound, not an import.
            "use" if !is(words, at + 1, "<") => {
                let end = (at..words.len()).find(|&n| is(words, n, ";")).unwrap_or(words.len());
                let names: Vec<String> = within.iter().map(|w| w.1.clone()).collect();
                tree(&words[at + 1..end], &[], &names, &mut found);
                at = end;
                continue;
            }
            // `pub(in crate::x)` is a visibility, not an import.
            "crate" | "super" | "self" if are(words, at + 1, &[":", ":"]) && !(at >= 2 && are(words, at - 2, &["(", "in"])) => {
                let mut path = Path {
                    line: words[at].0,
                    within: within.iter().map(|w| w.1.clone()).collect(),
                    names: vec![words[at].1.clone()],
                    brings: None,
                };
                while are(words, at + 1, &[":", ":"]) && words.get(at + 3).is_some_and(|w| is_name(&w.1)) {
                    path.names.push(words[at + 3].1.clone());
                    at += 3;
                }
                found.push(path);
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The paths in the tree of a `use`, such as `a::b::{c, d::{self, e as f}}`.
fn tree(words: &[Word], before: &[String], within: &[String], found: &mut Vec<Path>) {
    let mut names = before.to_vec();
    let mut at = 0;
    let Some(&(line, _)) = words.first() else { return };
    while let Some((_, word)) = words.get(at) {
        match word.as_str() {
            ":" => {}
            "{" => {
                let (mut depth, mut start) = (0, at + 1);
                for n in at..words.len() {
                    match words[n].1.as_str() {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 || (depth == 1 && is(words, n, ",")) {
                        tree(&words[start..n], &names, within, found);
                        start = n + 1;
                    }
                    if depth == 0 {
                        break;
                    }
                }
                return;
            }
            "as" => break,
            "self" if !names.is_empty() => {}
            name => names.push(name.to_owned()),
        }
        at += 1;
    }
    let brings = if is(words, at, "as") { words.get(at + 1).map(|w| w.1.clone()) } else { names.last().cloned() };
    names.pop_if(|n| n == "*");
    found.push(Path { line, within: within.to_vec(), names, brings });
}
