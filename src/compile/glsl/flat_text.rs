//! GLSL text after the preprocessor: flat, without macros and includes, and the way back from its bytes to the files it came from.

use std::ops::Range;

use crate::compile::base::error::{Error, ErrorKind};
use crate::compile::text::diagnose::{Source, SourceMap, SpanLabel};

/// A file of text, or the text that was given to be compiled.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Its name in messages.
    pub(super) label: String,
    /// What is in it.
    pub(super) text: String,
}

/// Where a token stands that the user wrote: the file's index, and bytes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenSpan {
    /// The file.
    pub(super) file: u32,
    /// The first byte.
    pub(super) at: u32,
    /// How many there are.
    pub(super) length: u32,
}

/// The flat text. Tokens stand apart, in lines as the user's.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlatText {
    /// What is compiled.
    pub(crate) text: String,
    /// Where each token starts, and where it came from, in order.
    marks: Vec<(u32, TokenSpan)>,
    /// What it came from; the first is the text that was given.
    files: Vec<File>,
    /// The line that the last token came from.
    line: Option<(u32, usize)>,
}

impl FlatText {
    /// Adds a token that came from a place in a line: on a new line if that one lies further down, or in another file.
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

    /// Adds a line of its own, from a place in a line.
    pub(super) fn push_line(&mut self, text: &str, place: TokenSpan) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.marks.push((self.text.len() as u32, place));
        self.text.push_str(text);
        self.text.push('\n');
        // What follows starts a line, so nothing has to be put before it.
        self.line = None;
    }

    /// Ends the text, which came from these files.
    pub(super) fn finish(&mut self, files: Vec<File>) {
        self.text.push('\n');
        self.files = files;
    }

    /// The text as messages know it.
    pub(crate) fn source(&self) -> Source<'_> {
        Source { text: &self.text, label: self.files.first().map_or("", |file| &file.label), map: Some(self) }
    }

    /// An error at a place in a file.
    pub(super) fn error_at(&self, place: TokenSpan, message: &str) -> Error {
        let range = place.at as usize..(place.at + place.length) as usize;
        self.file(place.file).error(ErrorKind::Compile, message, &[SpanLabel { range, text: String::new() }], &[])
    }

    /// The place of the first of the words `word` in a line (from 1) of the flat text, or of the line's first token.
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

    /// A file as messages know it.
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
