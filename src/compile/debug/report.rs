//! What a kernel that reports can report, and how the runtime reads it.
//!
//! The buffer is one storage buffer that the kernel's arguments do not show. It starts with three words: the words of records that were
//! asked for, the records that found no room, and an assertion among those. It must be all zeros when a dispatch starts. A record is the
//! number of its [`ReportSite`] plus 1, the invocation's three ids, and the words of its values.

use super::format::{self, Format, ValueShape};

/// Words before the first record.
pub(crate) const HEADER: usize = 3;
/// Bytes of text that are made of one buffer, at most about: a short record may print a long text.
const MOST_TEXT: usize = 64 << 20;
/// Words of a record before its values.
pub(super) const RECORD: u32 = 4;
/// Records that found no room are counted up to about this.
pub(super) const MOST_LOST: u32 = 0xf000_0000;

/// Where a kernel may report something.
#[derive(Clone, Debug)]
pub(crate) struct ReportSite {
    pub(super) kind: SiteKind,
    /// What its records carry.
    pub(super) values: Vec<ValueShape>,
    /// Line and column of the text, if they are known.
    pub(super) place: Option<(usize, usize)>,
}

impl ReportSite {
    /// Words of a record behind the ids.
    fn words(&self) -> u32 {
        self.values.iter().map(|value| value.words()).sum()
    }
}

/// What is reported.
#[derive(Clone, Debug)]
pub(super) enum SiteKind {
    /// A printf.
    Print(Format),
    /// An assertion that does not hold, with its text.
    Assert { condition: String, format: Option<Format> },
    /// An index, the first value, beyond the last one, the second. The name of what was indexed.
    Bounds { name: String },
}

/// What the WGSL text asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportPlan {
    pub(super) sites: Vec<ReportSite>,
    /// What the names of the empty functions start with, whose bodies write records; then comes `emit_`, or `fail_` for those of
    /// assertions, and the number of words.
    pub(super) prefix: Option<String>,
    /// Nothing keeps indices in bounds, so none is looked at.
    pub(crate) unchecked: bool,
}

/// What a kernel reports, and into which buffer.
#[derive(Clone, Debug)]
pub(crate) struct DebugInfo {
    /// Group and binding of the buffer.
    pub(crate) binding: (u32, u32),
    pub(super) sites: Vec<ReportSite>,
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
pub(crate) struct DebugRecord {
    pub(crate) severity: Severity,
    /// The invocation's global id.
    pub(crate) invocation: [u32; 3],
    pub(crate) text: String,
}

/// What a buffer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DebugOutput {
    /// In the order in which they were made: those of one invocation are in its own.
    pub(crate) records: Vec<DebugRecord>,
    /// Records that are not among them.
    pub(crate) lost: u64,
    /// An assertion that failed, if those that did are lost.
    pub(crate) failed: Option<String>,
}

impl DebugInfo {
    /// Words of the buffer that were used, from the first ones; those of a buffer of so many.
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
            // A record that did not fit is zeros.
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

    /// The site of this number, which is 1 for the first one.
    fn site(&self, number: u32) -> Option<&ReportSite> {
        self.sites.get((number as usize).checked_sub(1)?)
    }
}

/// A place as messages show it.
fn at(place: Option<(usize, usize)>) -> String {
    place.map_or_else(String::new, |(line, column)| format!(" (line {line}, column {column})"))
}

impl ReportSite {
    /// A record of this site.
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
