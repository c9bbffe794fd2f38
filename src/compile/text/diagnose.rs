//! Error messages for kernel text: the message, the file, the line and the column, the line of text with the position marked, and notes.

use std::fmt::Write as _;
use std::ops::Range;

use crate::compile::base::error::{Error, ErrorKind, Result};

/// The most characters of a line that are shown.
const SHOWN: usize = 120;
/// The number of characters shown before the position, if the line is cut there.
const BEFORE: usize = 60;
/// The most bytes of the compiler's own message. The compiler quotes numbers and names of any length.
const SAID: usize = 1000;
/// The most labels and notes of one message.
const MOST: usize = 6;

/// The longest kernel text that is compiled, in bytes.
const MAX_SOURCE: usize = 1 << 20;

/// The text in the bytes of a kernel. Fails on a text that is too long, and on invalid UTF-8.
pub(crate) fn kernel_text<'s>(source: &'s [u8], language: &str) -> Result<&'s str> {
    if source.len() > MAX_SOURCE {
        let message = format!("the {language} text has {} bytes, and at most {MAX_SOURCE} (1 MiB) are compiled", source.len());
        return Err(Error::new(ErrorKind::Compile, message));
    }
    str::from_utf8(source).map_err(|error| {
        let at = error.valid_up_to();
        let line = source.iter().take(at).filter(|&&byte| byte == b'\n').count() + 1;
        Error::new(ErrorKind::Compile, format!("the {language} text is not UTF-8: byte {at} (line {line}) is not part of a character"))
    })
}

/// Maps positions in the compiled text back to the text that the user wrote.
pub(crate) trait SourceMap {
    /// Returns the source and the byte range that the bytes `range` of the compiled text come from. `source` is the source that has this
    /// map.
    fn origin<'s>(&'s self, source: Source<'s>, range: Range<usize>) -> (Source<'s>, Range<usize>);
}

/// A text that is compiled, with its name in error messages.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The user's text, or the output of a preprocessor.
    pub(crate) text: &'a str,
    /// The name in error messages: the kernel's label, or the language.
    pub(crate) label: &'a str,
    /// The map back to the user's text, if the text was changed before it was compiled. The ranges of labels are ranges of the compiled
    /// text.
    pub(crate) map: Option<&'a dyn SourceMap>,
}

/// A range of the compiled text, in bytes, with a remark.
pub(crate) struct SpanLabel {
    /// The range.
    pub(crate) range: Range<usize>,
    /// The remark; may be empty.
    pub(crate) text: String,
}

impl Source<'_> {
    /// The source and the byte range that the bytes `range` of the compiled text come from.
    fn origin(&self, range: Range<usize>) -> (Source<'_>, Range<usize>) {
        match self.map {
            Some(map) => map.origin(*self, range),
            None => (*self, range),
        }
    }

    /// The line and the column in the user's text, both from 1, of a byte of the compiled text.
    pub(crate) fn origin_of(&self, at: usize) -> (usize, usize) {
        let (source, range) = self.origin(at..at + 1);
        source.position(range.start)
    }

    /// Formats an error with its labels and notes.
    pub(crate) fn error(&self, kind: ErrorKind, message: &str, labels: &[SpanLabel], notes: &[String]) -> Error {
        let said = message.trim_end();
        let cut = said.floor_char_boundary(SAID);
        let mut text = format!("error: {}{}", &said[..cut], if cut < said.len() { "..." } else { "" });
        for label in labels.iter().take(MOST) {
            let (source, range) = self.origin(label.range.clone());
            source.place(&mut text, &range, &label.text);
        }
        for note in notes.iter().take(MOST) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  = note: {}", note.trim());
        }
        Error::new(kind, text)
    }

    /// Combines several errors, each with at most one label, in the compiler's order.
    pub(crate) fn errors(&self, list: &[(String, Option<SpanLabel>)], notes: &[String]) -> Error {
        let mut text = String::new();
        let last = list.len().min(MOST).saturating_sub(1);
        for (index, (message, label)) in list.iter().take(MOST).enumerate() {
            let notes = if index == last { notes } else { &[] };
            let one = self.error(ErrorKind::Compile, message, label.as_ref().map_or(&[], std::slice::from_ref), notes);
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{one}", if index == 0 { "" } else { "\n" });
        }
        if list.len() > MOST {
            let _ = write!(text, "\n  = note: {} more mistakes are not shown", list.len() - MOST);
        }
        Error::new(ErrorKind::Compile, text)
    }

    /// An error at one byte of the compiled text.
    pub(crate) fn error_at(&self, at: usize, message: &str) -> Error {
        self.error(ErrorKind::Compile, message, &[SpanLabel { range: at..at + 1, text: String::new() }], &[])
    }

    /// The line and the column, both from 1, of a byte of this text. Columns count characters.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let before = self.before(at);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// The text before a byte. A position within a character is moved back to the start of the character.
    fn before(&self, at: usize) -> &str {
        let at = at.min(self.text.len());
        (0..=at).rev().find_map(|at| self.text.get(..at)).unwrap_or("")
    }

    /// Appends a label: the position, the line of text, and the marks below it.
    fn place(&self, out: &mut String, range: &Range<usize>, text: &str) {
        let before = self.before(range.start);
        let (line, column) = self.position(range.start);
        let prefix = before.rsplit('\n').next().unwrap_or("");
        let start = before.len() - prefix.len();
        let whole = self.text.get(start..).and_then(|rest| rest.split(['\n', '\r']).next()).unwrap_or("");
        let skipped = if column > SHOWN - 20 { column - 1 - BEFORE.min(column - 1) } else { 0 };
        let printable = |c: char| if c.is_control() { if c == '\t' { ' ' } else { '\u{fffd}' } } else { c };
        let shown: String = whole.chars().skip(skipped).take(SHOWN).map(printable).collect();
        let marked = self.text.get(before.len()..range.end.max(before.len())).unwrap_or("");
        let length = marked.split('\n').next().unwrap_or("").chars().count();
        let caret = column - 1 - skipped;
        let room = shown.chars().count().saturating_sub(caret);
        let marks = "^".repeat(length.min(room).max(1));
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let (left, right) = (if skipped > 0 { "..." } else { "" }, if whole.chars().count() > skipped + SHOWN { "..." } else { "" });
        let pad = " ".repeat(caret + left.len());
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n{margin}--> {}:{line}:{column}\n{margin} |\n{number} | {left}{shown}{right}\n{margin} | {pad}{marks} {}",
            self.label,
            text.trim()
        );
        let end = out.trim_end().len();
        out.truncate(end);
    }
}
