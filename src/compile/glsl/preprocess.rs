//! The GLSL preprocessor: directives, includes and macros. A compiler then gets text of bounded size and shape, and the text contains
//! everything that the cache key must depend on. The compilers' own preprocessors have no limits.

use super::condition;
use super::flat_text::{File, FlatText, TokenSpan};
use super::include::{self, IncludePath};
use super::lex::LexemeKind;
use super::macros::{Macros, PpToken, PreprocessError, TokenTexts, error_at};
use crate::compile::base::error::Error;

/// The deepest nesting of includes.
const MAX_DEPTH: usize = 32;
/// The most includes.
const MAX_INCLUDES: usize = 1024;
/// The most bytes of all files. A file counts each time it is included.
const MAX_BYTES: usize = 8 << 20;
/// The most tokens of the preprocessed text.
const MAX_TOKENS: usize = 262_144;
/// The deepest nesting of conditions.
const MAX_CONDITIONS: usize = 256;

/// The compiler's predefined macros. The function takes the rest of the `#version` line and a name, and returns the definition.
pub(crate) type Predefined<'a> = &'a dyn Fn(&str, &str) -> Option<String>;

/// The inputs besides the text.
#[derive(Clone, Copy)]
pub(crate) struct PreprocessOptions<'a> {
    /// The include directories.
    pub(crate) folders: &'a [&'a str],
    /// Macro definitions: "NAME=value", or "NAME", which defines the macro as 1.
    pub(crate) defines: &'a [&'a str],
    /// The compiler's predefined macros.
    pub(crate) predefined: Predefined<'a>,
}

/// Preprocesses `text`, which messages call `label`.
pub(super) fn preprocess(text: &str, label: &str, options: PreprocessOptions<'_>) -> Result<FlatText, Error> {
    let files = vec![File { label: label.to_owned(), text: text.to_owned() }];
    let mut state = Preprocessor {
        options,
        texts: TokenTexts::new(files),
        macros: Macros::default(),
        out: FlatText::default(),
        tokens: 0,
        frames: Vec::new(),
        conditions: Vec::new(),
        version: None,
        located: vec![None],
        once: Vec::new(),
        includes: 0,
        bytes: 0,
    };
    let outcome = state.run();
    let mut out = state.out;
    out.finish(state.texts.files);
    match outcome {
        Ok(()) => Ok(out),
        Err(error_at) => Err(out.error_at(error_at.place, &error_at.message)),
    }
}

/// A file that is being read.
struct FileCursor {
    /// The tokens of the file.
    tokens: Vec<PpToken>,
    /// The index of the next token.
    next: usize,
    /// The file's index.
    file: u32,
    /// The number of open conditions when the file was entered.
    conditions: usize,
}

/// An open `#if`.
struct ConditionState {
    /// The span of the directive.
    place: TokenSpan,
    /// The enclosing code is active.
    outside: bool,
    /// The current branch is active.
    active: bool,
    /// A branch of the condition has been active.
    taken: bool,
    /// The `#else` has occurred.
    last: bool,
}

/// The state of the preprocessor.
struct Preprocessor<'a> {
    options: PreprocessOptions<'a>,
    texts: TokenTexts,
    macros: Macros,
    out: FlatText,
    /// The number of tokens of the preprocessed text.
    tokens: usize,
    frames: Vec<FileCursor>,
    conditions: Vec<ConditionState>,
    /// The rest of the `#version` line.
    version: Option<String>,
    /// The path of each file; `None` for a text that is not an included file.
    located: Vec<Option<IncludePath>>,
    /// The files with `#pragma once`.
    once: Vec<u32>,
    includes: usize,
    bytes: usize,
}

impl Preprocessor<'_> {
    /// Processes all files.
    fn run(&mut self) -> Result<(), PreprocessError> {
        for (index, define) in self.options.defines.iter().enumerate() {
            self.define(index, define)?;
        }
        self.open(0, TokenSpan { file: 0, at: 0, length: 1 })?;
        let mut run = Vec::new();
        while let Some(frame) = self.frames.last_mut() {
            let rest = frame.tokens.get(frame.next..).unwrap_or(&[]);
            if rest.is_empty() {
                let open = frame.conditions;
                self.emit(&mut run)?;
                if let Some(condition) = self.conditions.get(open) {
                    return error_at(condition.place, "this condition has no #endif");
                }
                self.frames.pop();
                continue;
            }
            let length = rest.iter().position(|token| token.kind == LexemeKind::LineEnd).unwrap_or(rest.len());
            let line: Vec<PpToken> = rest.get(..length).unwrap_or(&[]).to_vec();
            frame.next += length + 1;
            if let Some(unclosed) = line.iter().find(|token| token.kind == LexemeKind::Unclosed) {
                return error_at(unclosed.place, "this comment is not closed");
            }
            match line.split_first() {
                Some((mark, rest)) if self.texts.of(mark) == "#" => {
                    self.emit(&mut run)?;
                    self.directive(mark, rest)?;
                }
                _ if self.active() => run.extend_from_slice(&line),
                _ => {}
            }
        }
        match self.version {
            Some(_) => Ok(()),
            None => error_at(TokenSpan { file: 0, at: 0, length: 1 }, "the text has no #version line: start it with #version 450"),
        }
    }

    /// Processes one of the caller's macro definitions.
    fn define(&mut self, index: usize, define: &str) -> Result<(), PreprocessError> {
        let text = match define.split_once('=') {
            Some((name, value)) => format!("{name} {value}"),
            None => format!("{define} 1"),
        };
        let file = self.texts.files.len() as u32;
        self.texts.files.push(File { label: format!("defines[{index}]"), text });
        self.located.push(None);
        let tokens = self.texts.tokens(file);
        let place = TokenSpan { file, at: 0, length: define.len() as u32 };
        if tokens.iter().any(|token| matches!(token.kind, LexemeKind::LineEnd | LexemeKind::Stray | LexemeKind::Unclosed)) {
            return error_at(place, "a define is one line of GLSL: NAME=value, or NAME");
        }
        self.macros.define(&tokens, &self.texts, place)
    }

    /// Enters a file. `place` is the span of the `#include`.
    fn open(&mut self, file: u32, place: TokenSpan) -> Result<(), PreprocessError> {
        self.bytes += self.texts.files.get(file as usize).map_or(0, |file| file.text.len());
        if self.bytes > MAX_BYTES {
            return error_at(place, format!("the included files have more than {MAX_BYTES} bytes, which is the limit"));
        }
        self.frames.push(FileCursor { tokens: self.texts.tokens(file), next: 0, file, conditions: self.conditions.len() });
        Ok(())
    }

    /// Whether the current code is active.
    fn active(&self) -> bool {
        self.conditions.last().is_none_or(|condition| condition.active)
    }

    /// Expands the macros of a sequence of tokens and writes the result.
    fn emit(&mut self, run: &mut Vec<PpToken>) -> Result<(), PreprocessError> {
        if run.is_empty() {
            return Ok(());
        }
        for token in self.macros.expand(run, &mut self.texts, 0)? {
            if token.kind == LexemeKind::Stray {
                return error_at(token.place, stray(self.texts.of(&token)));
            }
            self.count(token.place)?;
            let text = self.texts.of(&token);
            let text = match text {
                "__FILE__" => "0",
                "__VERSION__" => self.version.as_deref().and_then(|version| version.split(' ').next()).unwrap_or(text),
                text => text,
            };
            self.out.push(text, token.place, token.line as usize);
        }
        run.clear();
        Ok(())
    }

    /// Counts a token of the preprocessed text against the limit.
    fn count(&mut self, place: TokenSpan) -> Result<(), PreprocessError> {
        self.tokens += 1;
        if self.tokens > MAX_TOKENS {
            return error_at(
                place,
                format!("the kernel has more than {MAX_TOKENS} tokens with its macros and includes, which is the limit"),
            );
        }
        Ok(())
    }

    /// Processes a directive.
    fn directive(&mut self, mark: &PpToken, rest: &[PpToken]) -> Result<(), PreprocessError> {
        let Some((word, rest)) = rest.split_first() else { return Ok(()) };
        let name = self.texts.of(word).to_owned();
        match name.as_str() {
            "if" | "ifdef" | "ifndef" => return self.begin(mark, &name, rest),
            "elif" | "else" | "endif" => return self.turn(mark, &name, rest),
            _ if !self.active() => return Ok(()),
            _ => {}
        }
        match name.as_str() {
            "define" => self.macros.define(rest, &self.texts, mark.place),
            "undef" => match rest {
                [name] if name.kind == LexemeKind::Word => {
                    self.macros.undefine(self.texts.of(name));
                    Ok(())
                }
                _ => error_at(mark.place, "#undef needs the name of a macro"),
            },
            "include" => self.include(mark, rest),
            "version" => self.take_version(mark, rest),
            "extension" => {
                let done_here = ["GL_GOOGLE_include_directive", "GL_ARB_shading_language_include"];
                if rest.first().is_some_and(|name| done_here.contains(&self.texts.of(name))) {
                    return Ok(());
                }
                self.pass_on(mark, "#extension", rest)
            }
            "pragma" if rest.first().is_some_and(|word| self.texts.of(word) == "once") => {
                self.once.extend(self.frames.last().map(|frame| frame.file));
                Ok(())
            }
            "pragma" => self.pass_on(mark, "#pragma", rest),
            // `#line` has no effect, because messages show the real line numbers.
            "line" => Ok(()),
            "error" => error_at(mark.place, format!("#error {}", self.words(rest))),
            _ => error_at(word.place, format!("#{name} is not a directive of GLSL")),
        }
    }

    /// The texts of tokens, separated by blanks.
    fn words(&self, tokens: &[PpToken]) -> String {
        tokens.iter().map(|token| self.texts.of(token)).collect::<Vec<_>>().join(" ")
    }

    /// Writes a directive that is meant for the compiler.
    fn pass_on(&mut self, mark: &PpToken, name: &str, rest: &[PpToken]) -> Result<(), PreprocessError> {
        if let Some(token) = rest.iter().find(|token| token.kind == LexemeKind::Stray) {
            return error_at(token.place, stray(self.texts.of(token)));
        }
        for token in rest {
            self.count(token.place)?;
        }
        let line = format!("{name} {}", self.words(rest));
        self.out.push_line(&line, mark.place);
        Ok(())
    }

    /// Processes `#version`, which must come first and must name a version with compute shaders.
    fn take_version(&mut self, mark: &PpToken, rest: &[PpToken]) -> Result<(), PreprocessError> {
        if self.version.is_some() || !self.out.text.is_empty() || self.frames.len() > 1 {
            return error_at(mark.place, "#version must occur once, before everything else");
        }
        let words = self.words(rest);
        match words.as_str() {
            "420" | "430" | "440" | "450" | "460" | "420 core" | "430 core" | "440 core" | "450 core" | "460 core" | "310 es"
            | "320 es" => {}
            _ => {
                return error_at(
                    mark.place,
                    format!("#version {words} has no compute kernels for Vulkan: use 450 or 460 (420 to 460, 310 es, 320 es)"),
                );
            }
        }
        self.pass_on(mark, "#version", rest)?;
        self.version = Some(words);
        Ok(())
    }

    /// Processes `#if`, `#ifdef` and `#ifndef`.
    fn begin(&mut self, mark: &PpToken, name: &str, rest: &[PpToken]) -> Result<(), PreprocessError> {
        if self.conditions.len() >= MAX_CONDITIONS {
            return error_at(mark.place, format!("conditions nest more than {MAX_CONDITIONS} levels deep"));
        }
        let outside = self.active();
        let active = outside
            && match name {
                "if" => self.holds(mark, rest)?,
                _ => match rest {
                    [word] if word.kind == LexemeKind::Word => self.is_defined(word)? == (name == "ifdef"),
                    _ => return error_at(mark.place, format!("#{name} needs the name of one macro")),
                },
            };
        self.conditions.push(ConditionState { place: mark.place, outside, active, taken: active, last: false });
        Ok(())
    }

    /// Processes `#elif`, `#else` and `#endif`.
    fn turn(&mut self, mark: &PpToken, name: &str, rest: &[PpToken]) -> Result<(), PreprocessError> {
        let start = self.frames.last().map_or(0, |frame| frame.conditions);
        if self.conditions.len() <= start {
            return error_at(mark.place, format!("#{name} without an #if before it"));
        }
        let Some(mut condition) = self.conditions.pop() else { return Ok(()) };
        if name == "endif" {
            return Ok(());
        }
        if condition.last {
            return error_at(mark.place, format!("#{name} after the #else of the same condition"));
        }
        condition.last = name == "else";
        let wanted = condition.outside && !condition.taken;
        condition.active = wanted && (condition.last || self.holds(mark, rest)?);
        condition.taken |= condition.active;
        self.conditions.push(condition);
        Ok(())
    }

    /// Whether a condition is true.
    fn holds(&mut self, mark: &PpToken, tokens: &[PpToken]) -> Result<bool, PreprocessError> {
        let mut asked = Vec::with_capacity(tokens.len());
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            if self.texts.of(token) != "defined" {
                asked.push(*token);
                continue;
            }
            let is = |index: usize, text: &str| tokens.get(index).is_some_and(|token| self.texts.of(token) == text);
            let (name, next) = if is(at, "(") && is(at + 2, ")") { (tokens.get(at + 1), at + 3) } else { (tokens.get(at), at + 1) };
            let Some(name) = name.filter(|name| name.kind == LexemeKind::Word) else {
                return error_at(token.place, "defined needs the name of a macro");
            };
            at = next;
            let value = if self.is_defined(name)? { "1" } else { "0" };
            asked.push(self.texts.made(LexemeKind::Number, value, token)?);
        }
        let mut expanded = self.macros.expand(&asked, &mut self.texts, 0)?;
        for token in &mut expanded {
            if token.kind == LexemeKind::Word
                && let Some(value) = self.predefined(self.texts.of(token))
            {
                let kind = if value.starts_with(|c: char| c.is_ascii_digit()) { LexemeKind::Number } else { LexemeKind::Word };
                *token = self.texts.made(kind, &value, token)?;
            }
        }
        Ok(condition::value(&expanded, &self.texts, mark.place)? != 0)
    }

    /// Whether a name is a macro, defined by the user or predefined by the compiler.
    fn is_defined(&self, name: &PpToken) -> Result<bool, PreprocessError> {
        let name = self.texts.of(name);
        Ok(self.macros.knows(name).unwrap_or_else(|| self.predefined(name).is_some()))
    }

    /// The compiler's predefinition of a name.
    fn predefined(&self, name: &str) -> Option<String> {
        if self.macros.knows(name).is_some() {
            return None;
        }
        let version = self.version.as_deref().unwrap_or("");
        match name {
            "__LINE__" | "__FILE__" => Some("0".to_owned()),
            "__VERSION__" => Some(version.split(' ').next().filter(|number| !number.is_empty()).unwrap_or("110").to_owned()),
            _ => (self.options.predefined)(version, name),
        }
    }

    /// Processes `#include`.
    fn include(&mut self, mark: &PpToken, rest: &[PpToken]) -> Result<(), PreprocessError> {
        let Some((name, quoted, place)) = self.included_name(rest) else {
            return error_at(mark.place, "#include needs a file's name in \"...\" or <...>");
        };
        if self.frames.len() > MAX_DEPTH {
            return error_at(place, format!("files include each other more than {MAX_DEPTH} levels deep: does {name} include itself?"));
        }
        self.includes += 1;
        if self.includes > MAX_INCLUDES {
            return error_at(place, format!("files are included more than {MAX_INCLUDES} times, which is the limit"));
        }
        let folders = self.options.folders;
        let from = self.frames.last().and_then(|frame| self.located.get(frame.file as usize)).and_then(Option::as_ref);
        let candidates = include::candidates(&name, quoted, from, folders.len());
        for candidate in &candidates {
            let known = self.located.iter().position(|located| located.as_ref() == Some(candidate));
            let file = match known {
                Some(file) => file as u32,
                None => {
                    let path = candidate.path(folders);
                    match include::read(candidate.folder(folders), &path) {
                        Ok(None) => continue,
                        Ok(Some(text)) => {
                            self.texts.files.push(File { label: path, text });
                            self.located.push(Some(candidate.clone()));
                            (self.located.len() - 1) as u32
                        }
                        Err(why) => return error_at(place, format!("the included file {path} {why}")),
                    }
                }
            };
            return if self.once.contains(&file) { Ok(()) } else { self.open(file, place) };
        }
        let searched: Vec<String> = candidates.iter().take(8).map(|candidate| candidate.path(folders)).collect();
        let why = match (folders.is_empty(), searched.is_empty()) {
            (true, _) => "there are no include directories (include_dirs of avx_kernel_options)".to_owned(),
            (_, true) => "a name must be relative and stay inside the include directories".to_owned(),
            _ => format!("searched were {}", searched.join(", ")),
        };
        error_at(place, format!("the included file {name} was not found: {why}"))
    }

    /// The file name of an `#include`, whether it is quoted, and its span.
    fn included_name(&self, rest: &[PpToken]) -> Option<(String, bool, TokenSpan)> {
        let (first, last) = (rest.first()?, rest.last()?);
        let whole = TokenSpan { length: last.place.at + last.place.length - first.place.at, ..first.place };
        let file = self.texts.files.get(first.place.file as usize)?;
        let text = file.text.get(whole.at as usize..(whole.at + whole.length) as usize)?;
        let (inside, quoted) = match text.strip_prefix('"') {
            Some(rest) => (rest.strip_suffix('"')?, true),
            None => (text.strip_prefix('<')?.strip_suffix('>')?, false),
        };
        (!inside.is_empty() && !inside.contains(['"', '\n'])).then(|| (inside.to_owned(), quoted, whole))
    }
}

/// The message for a character that GLSL does not allow.
fn stray(text: &str) -> String {
    match text {
        "\"" => "this quote is not closed on its line".to_owned(),
        _ => format!("the character {} is not allowed in GLSL", text.escape_debug()),
    }
}

#[cfg(test)]
mod tests;
