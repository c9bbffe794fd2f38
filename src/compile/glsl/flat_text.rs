//! Preprocessed GLSL text, without macros and includes, and the map from its bytes back to the files that they come from.

use std::ops::Range;

use crate::compile::base::error::{Error, ErrorKind};
use crate::compile::text::diagnose::{Source, SourceMap, SpanLabel};

/// An included file, or the kernel's own text.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// The file's name in messages.
    pub(super) label: String,
    /// The file's text.
    pub(super) text: String,
}

/// The span of a token in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenSpan {
    /// The index of the file.
    pub(super) file: u32,
    /// The first byte.
    pub(super) at: u32,
    /// The length in bytes.
    pub(super) length: u32,
}

/// The preprocessed text. Tokens are separated by blanks, and line breaks follow the original lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlatText {
    /// The text that is compiled.
    pub(crate) text: String,
    /// The start of each token in the text, and the span that the token comes from, in ascending order.
    marks: Vec<(u32, TokenSpan)>,
    /// The files that the text comes from. The first one is the kernel's own text.
    files: Vec<File>,
    /// The file and the line of the last token.
    line: Option<(u32, usize)>,
}

impl FlatText {
    /// Appends a token with its span and its line. The token starts a new line if its line is further down, or in another file.
    pub(super) fn push(&mut self, token: &str, place: TokenSpan, line: usize) {
        match self.line {
            Some((file, last)) if file == place.file && line <= last => self.text.push(' '),
            Some(_) => self.text.push('\n'),
            None => {}
        }
        let last = self.line.filter(|&(file, _)| file == place.file).map_or(0, |(_, last)| last);
        self.line = Some((place.file, line.max(last)));
        self.marks.push((self.text.len() as u32, place));
        self.text.push_str(token);
    }

    /// Appends a line of its own, with the span that it comes from.
    pub(super) fn push_line(&mut self, text: &str, place: TokenSpan) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.marks.push((self.text.len() as u32, place));
        self.text.push_str(text);
        self.text.push('\n');
        // The next token is at the start of a line, so it needs no separator.
        self.line = None;
    }

    /// Completes the text. `files` are the files that it comes from.
    pub(super) fn finish(&mut self, files: Vec<File>) {
        self.text.push('\n');
        self.files = files;
    }

    /// The text as a source for error messages.
    pub(crate) fn source(&self) -> Source<'_> {
        Source { text: &self.text, label: self.files.first().map_or("", |file| &file.label), map: Some(self) }
    }

    /// An error at a span of a file.
    pub(super) fn error_at(&self, place: TokenSpan, message: &str) -> Error {
        let range = place.at as usize..(place.at + place.length) as usize;
        self.file(place.file).error(ErrorKind::Compile, message, &[SpanLabel { range, text: String::new() }], &[])
    }

    /// The range of the first token `word` in a line (counted from 1) of the text, or else of the first token in the line.
    pub(super) fn find(&self, line: usize, word: &str) -> Option<Range<usize>> {
        let start = match line.checked_sub(2) {
            Some(before) => self.text.match_indices('\n').nth(before)?.0 + 1,
            None => 0,
        };
        let whole = self.text.get(start..)?.lines().next()?;
        let mut at = start;
        for token in whole.split(' ') {
            if token == word {
                return Some(at..at + token.len());
            }
            at += token.len() + 1;
        }
        Some(start..start + whole.split(' ').next()?.len())
    }

    /// The token that covers a byte.
    fn mark(&self, at: usize) -> (usize, TokenSpan) {
        let after = self.marks.partition_point(|&(start, _)| start as usize <= at);
        let none = (0, TokenSpan { file: 0, at: 0, length: 0 });
        let (start, place) = after.checked_sub(1).and_then(|index| self.marks.get(index)).copied().unwrap_or(none);
        (start as usize, place)
    }

    /// A file as a source for error messages.
    fn file(&self, index: u32) -> Source<'_> {
        let file = self.files.get(index as usize);
        let (text, label) = file.map_or(("", ""), |file| (file.text.as_str(), file.label.as_str()));
        Source { text, label, map: None }
    }
}

impl SourceMap for FlatText {
    fn origin<'s>(&'s self, _: Source<'s>, range: Range<usize>) -> (Source<'s>, Range<usize>) {
        let (start, first) = self.mark(range.start);
        let at = (first.at as usize) + range.start.saturating_sub(start).min(first.length as usize);
        let (_, last) = self.mark(range.end.saturating_sub(1).max(range.start));
        let end = (last.at + last.length) as usize;
        let end = if last.file == first.file && end > at { end } else { (first.at + first.length) as usize };
        (self.file(first.file), at..end.max(at))
    }
}
