//! The reports of a kernel, and how the runtime reads them.
//!
//! Reports go to one storage buffer, which the kernel's interface does not list. The buffer starts with three words: the number of words
//! that records asked for, the number of records that found no room, and the site of an assertion among those. The buffer must be all zeros
//! when a dispatch starts. A record consists of the number of its [`ReportSite`] plus 1, the three components of the global invocation id,
//! and the words of its values.

use super::format::{self, Format, ValueShape};

/// The number of words before the first record.
pub(crate) const HEADER: usize = 3;
/// The approximate limit on the text in bytes that is formatted from one buffer. A short record may print a long text.
const MOST_TEXT: usize = 64 << 20;
/// The number of words of a record before its values.
pub(super) const RECORD: u32 = 4;
/// The approximate limit up to which lost records are counted.
pub(super) const MOST_LOST: u32 = 0xf000_0000;

/// A place in the kernel that reports something.
#[derive(Clone, Debug)]
pub(crate) struct ReportSite {
    pub(super) kind: SiteKind,
    /// The values in each record of the site.
    pub(super) values: Vec<ValueShape>,
    /// The line and the column of the text, if they are known.
    pub(super) place: Option<(usize, usize)>,
}

impl ReportSite {
    /// The number of words of a record after the invocation id.
    fn words(&self) -> u32 {
        self.values.iter().map(|value| value.words()).sum()
    }
}

/// What a site reports.
#[derive(Clone, Debug)]
pub(super) enum SiteKind {
    /// The output of a printf.
    Print(Format),
    /// A failed assertion, with its text.
    Assert { condition: String, format: Option<Format> },
    /// An access out of bounds. The first value is the index and the second is the last valid index. `name` is the name of the indexed
    /// variable.
    Bounds { name: String },
}

/// The sites that WGSL text asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportPlan {
    pub(super) sites: Vec<ReportSite>,
    /// The prefix of the names of the empty functions whose bodies write records. The prefix is followed by `_emit_` (`_fail_` for
    /// assertions) and by the number of words.
    pub(super) prefix: Option<String>,
    /// The kernel has no bounds checks, so accesses are not checked either.
    pub(crate) unchecked: bool,
}

/// What a kernel reports, and the buffer that it reports to.
#[derive(Clone, Debug)]
pub(crate) struct DebugInfo {
    /// The group and the binding of the buffer.
    pub(crate) binding: (u32, u32),
    pub(super) sites: Vec<ReportSite>,
}

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The output of a printf.
    Print,
    /// An access out of bounds.
    Bounds,
    /// A failed assertion.
    Assert,
}

/// A record that was read from the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DebugRecord {
    pub(crate) severity: Severity,
    /// The global invocation id.
    pub(crate) invocation: [u32; 3],
    pub(crate) text: String,
}

/// The contents of a buffer of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DebugOutput {
    /// The records in the buffer's order. The records of one invocation are in the order in which they were made.
    pub(crate) records: Vec<DebugRecord>,
    /// The number of records that were lost.
    pub(crate) lost: u64,
    /// The text of a failed assertion, if all records of failed assertions were lost.
    pub(crate) failed: Option<String>,
}

impl DebugInfo {
    /// The number of words in use at the start of a buffer of `words` words.
    pub(crate) fn used(header: &[u32], words: usize) -> usize {
        HEADER.saturating_add(header.first().copied().unwrap_or(0) as usize).min(words)
    }

    /// Reads a buffer.
    pub(crate) fn read(&self, buffer: &[u32]) -> DebugOutput {
        let header = |at: usize| buffer.get(at).copied().unwrap_or(0);
        let mut reading = DebugOutput { lost: header(1).into(), ..DebugOutput::default() };
        let mut rest = buffer.get(HEADER..).unwrap_or(&[]);
        rest = rest.get(..header(0) as usize).unwrap_or(rest);
        let (mut bytes, mut asserted) = (0, false);
        while let [site, x, y, z, words @ ..] = rest {
            // A record that did not fit leaves zeros.
            let Some(site) = self.site(*site) else { break };
            let Some((own, after)) = words.split_at_checked(site.words() as usize) else { break };
            rest = after;
            let first = matches!(site.kind, SiteKind::Assert { .. }) && !asserted;
            if bytes > MOST_TEXT && !first {
                reading.lost += 1;
                continue;
            }
            asserted |= first;
            let record = site.read([*x, *y, *z], own);
            bytes += record.text.len() + size_of::<DebugRecord>();
            reading.records.push(record);
        }
        if let Some(ReportSite { kind: SiteKind::Assert { condition, .. }, place, .. }) = self.site(header(2)).filter(|_| !asserted) {
            reading.failed = Some(format!("assertion failed: {condition}{}", at(*place)));
        }
        reading
    }

    /// The site with this number. The numbers start at 1.
    fn site(&self, number: u32) -> Option<&ReportSite> {
        self.sites.get((number as usize).checked_sub(1)?)
    }
}

/// The text of a position in messages.
fn at(place: Option<(usize, usize)>) -> String {
    place.map_or_else(String::new, |(line, column)| format!(" (line {line}, column {column})"))
}

impl ReportSite {
    /// Decodes a record of this site.
    fn read(&self, invocation: [u32; 3], words: &[u32]) -> DebugRecord {
        let (severity, mut text) = match &self.kind {
            SiteKind::Print(format) => {
                let mut text = format.render(&self.values, words);
                if text.ends_with('\n') {
                    text.pop();
                }
                return DebugRecord { severity: Severity::Print, invocation, text };
            }
            SiteKind::Assert { condition, format } => {
                let mut text = format!("assertion failed: {condition}");
                if let Some(format) = format {
                    text.push_str(": ");
                    text.push_str(format.render(&self.values, words).trim_end_matches('\n'));
                }
                (Severity::Assert, text)
            }
            SiteKind::Bounds { name } => {
                let index = match self.values.first().map(|value| value.wire) {
                    Some(format::WireType::I32) => words.first().map_or(0, |&word| i64::from(word.cast_signed())),
                    _ => words.first().map_or(0, |&word| word.into()),
                };
                let length = u64::from(words.get(1).copied().unwrap_or(0)) + 1;
                let elements = if length == 1 { "element" } else { "elements" };
                let text = format!("out of bounds: {name}[{index}], and {name} has {length} {elements}; the last one was used instead");
                (Severity::Bounds, text)
            }
        };
        text.push_str(&at(self.place));
        DebugRecord { severity, invocation, text }
    }
}
