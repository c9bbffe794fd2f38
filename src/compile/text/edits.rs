//! Changes that are made to a text before it is compiled, and the map from positions in the changed text back to the original.

use std::ops::Range;

use super::diagnose::{Source, SourceMap};

/// Replacements in ascending order. Their ranges do not overlap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Replaces the bytes `range` by `new`. Replacements must be added in ascending order.
    pub(crate) fn replace(&mut self, range: Range<usize>, new: impl Into<String>) {
        self.0.push((range, new.into()));
    }

    /// The changed text.
    pub(crate) fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 64 * self.0.len());
        let mut from = 0;
        for (range, new) in &self.0 {
            out.push_str(text.get(from..range.start).unwrap_or(""));
            out.push_str(new);
            from = range.end;
        }
        out.push_str(text.get(from..).unwrap_or(""));
        out
    }

    /// The byte of the original text that corresponds to byte `at` of the changed text. For a byte of a replacement, this is the start of
    /// the replaced range.
    pub(crate) fn back(&self, at: usize) -> usize {
        // The lengths of the changed and of the original text up to the current replacement.
        let (mut changed, mut original) = (0, 0);
        for (range, new) in &self.0 {
            let kept = range.start - original;
            if at < changed + kept {
                break;
            }
            changed += kept;
            original = range.start;
            if at < changed + new.len() {
                return original;
            }
            changed += new.len();
            original = range.end;
        }
        original + at.saturating_sub(changed)
    }

    /// The range of the original text that corresponds to a range of the changed text.
    fn back_range(&self, range: Range<usize>) -> Range<usize> {
        if self.0.is_empty() {
            return range;
        }
        let start = self.back(range.start);
        let end = if range.end > range.start { self.back(range.end - 1) + 1 } else { start };
        start..end.max(start)
    }
}

impl SourceMap for Edits {
    /// The source already has the user's text, so only the range changes.
    fn origin<'s>(&'s self, source: Source<'s>, range: Range<usize>) -> (Source<'s>, Range<usize>) {
        (Source { map: None, ..source }, self.back_range(range))
    }
}

#[cfg(test)]
mod tests {
    use super::Edits;

    #[test]
    fn places_find_their_way_back() {
        let text = "ab(\"x\", c);d";
        let mut edits = Edits::default();
        edits.replace(0..8, "stub(");
        edits.replace(8..8, "f32(");
        edits.replace(9..9, ")");
        let changed = edits.apply(text);
        assert_eq!(changed, "stub(f32(c));d");
        let at = |needle: &str| changed.find(needle).expect("there");
        assert_eq!(edits.back(0), 0);
        assert_eq!(edits.back(at("f32")), 8);
        assert_eq!(edits.back(at("c")), 8, "the argument itself");
        assert_eq!(edits.back(at(";")), 10);
        assert_eq!(edits.back(at("d")), 11);
        assert_eq!(edits.back(changed.len()), 12);
        assert_eq!(edits.back_range(at("f32")..at("c") + 1), 8..9);
        assert_eq!(edits.back_range(at(";")..at("d") + 1), 10..12);
        assert_eq!(Edits::default().back_range(3..7), 3..7);
    }
}
