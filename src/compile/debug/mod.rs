//! Kernels that report what they do: printf, assertions and accesses out of bounds.
//!
//! | file | what it is about |
//! |---|---|
//! | [`literal`], [`statement`], [`edit`] | `printf` and `assert` in WGSL text become calls, and places find their way back |
//! | [`lower`], [`emit`], [`types`] | SPIR-V gets a buffer of its own, and code that writes records into it |
//! | [`format`](mod@format) | how numbers print |
//!
//! The buffer is one storage buffer that the kernel's arguments do not show. It starts with two words, the words of records that were
//! asked for and the records that found no room, and must be all zeros when a dispatch starts. A record is the number of its [`Site`]
//! plus 1, the invocation's three ids, and the words of its values.

pub(crate) mod edit;
mod emit;
mod format;
mod literal;
mod lower;
pub(crate) mod statement;
mod types;

use std::fmt::Write as _;

use format::{Format, Value};

pub(crate) use lower::instrument;

/// Words before the first record.
const HEADER: usize = 2;
/// Words of a record before its values.
const RECORD: u32 = 4;
/// Records that found no room are counted up to about this.
const MOST_LOST: u32 = 0xf000_0000;

/// Where a kernel may report something.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    report: Report,
    /// What its records carry.
    values: Vec<Value>,
    /// Line and column of the text, if they are known.
    place: Option<(usize, usize)>,
}

impl Site {
    /// Words of a record behind the ids.
    fn words(&self) -> u32 {
        self.values.iter().map(|value| value.words()).sum()
    }
}

/// What is reported.
#[derive(Clone, Debug)]
enum Report {
    /// A printf.
    Print(Format),
    /// An assertion that does not hold, with its text.
    Assert { condition: String, format: Option<Format> },
    /// An index, the first value, beyond the last one, the second. The name of what was indexed.
    Bounds { name: String },
}

/// What the WGSL text asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    sites: Vec<Site>,
    /// What the names of the empty functions start with, whose bodies write records; the rest of a name is its number of words.
    emit: Option<String>,
}

/// What a kernel reports, and into which buffer.
#[derive(Clone, Debug)]
pub(crate) struct Debug {
    /// Group and binding of the buffer.
    pub(crate) binding: (u32, u32),
    sites: Vec<Site>,
}

/// What sort of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// It was printed.
    Print,
    /// An access left its bounds.
    Bounds,
    /// An assertion does not hold.
    Assert,
}

/// A record, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) severity: Severity,
    /// The invocation's global id.
    pub(crate) invocation: [u32; 3],
    pub(crate) text: String,
}

impl Debug {
    /// Bytes of the buffer that were used, from its first two words.
    pub(crate) fn used_bytes(header: [u32; 2]) -> u64 {
        4 * (HEADER as u64 + u64::from(header[0]))
    }

    /// Records that found no room, from the buffer's first two words.
    pub(crate) fn lost(header: [u32; 2]) -> u32 {
        header[1]
    }

    /// The records of a buffer, in the order in which they were made: those of one invocation are in its own.
    pub(crate) fn read(&self, buffer: &[u32]) -> Vec<Record> {
        let mut records = Vec::new();
        let used = buffer.first().copied().unwrap_or(0) as usize;
        let mut rest = buffer.get(HEADER..).unwrap_or(&[]);
        rest = rest.get(..used).unwrap_or(rest);
        while let [site, x, y, z, words @ ..] = rest {
            // A record that did not fit is zeros.
            let Some(site) = (*site as usize).checked_sub(1).and_then(|site| self.sites.get(site)) else { break };
            let Some((own, after)) = words.split_at_checked(site.words() as usize) else { break };
            records.push(site.read([*x, *y, *z], own));
            rest = after;
        }
        records
    }
}

impl Site {
    /// A record of this site.
    fn read(&self, invocation: [u32; 3], words: &[u32]) -> Record {
        let (severity, mut text) = match &self.report {
            Report::Print(format) => {
                let mut text = format.render(&self.values, words);
                if text.ends_with('\n') {
                    text.pop();
                }
                return Record { severity: Severity::Print, invocation, text };
            }
            Report::Assert { condition, format } => {
                let mut text = format!("assertion failed: {condition}");
                if let Some(format) = format {
                    text.push_str(": ");
                    text.push_str(format.render(&self.values, words).trim_end_matches('\n'));
                }
                (Severity::Assert, text)
            }
            Report::Bounds { name } => {
                let index = match self.values.first().map(|value| value.wire) {
                    Some(format::Wire::I32) => words.first().map_or(0, |&word| i64::from(word.cast_signed())),
                    _ => words.first().map_or(0, |&word| word.into()),
                };
                let length = u64::from(words.get(1).copied().unwrap_or(0)) + 1;
                let elements = if length == 1 { "element" } else { "elements" };
                let text = format!("out of bounds: {name}[{index}], and {name} has {length} {elements}; the last one was used instead");
                (Severity::Bounds, text)
            }
        };
        if let Some((line, column)) = self.place {
            // Writing to a string cannot fail.
            let _ = write!(text, " (line {line}, column {column})");
        }
        Record { severity, invocation, text }
    }
}
