//! String literals in WGSL text. The compiler does not know strings.

use std::ops::Range;

use crate::compile::text::comments::block_length;
use crate::compile::text::token::is_line_end;

/// A string literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StringLiteral {
    /// The range of the literal, including the quotes.
    pub(crate) range: Range<usize>,
    /// The contents, with escapes decoded.
    pub(crate) text: String,
    /// The position in the source of each byte of `text`.
    places: Vec<usize>,
}

impl StringLiteral {
    /// The position in the source of byte `at` of the contents.
    pub(crate) fn place(&self, at: usize) -> usize {
        self.places.get(at).copied().unwrap_or(self.range.end.saturating_sub(1))
    }
}

/// An error: the byte and the message.
pub(crate) type LiteralError = (usize, &'static str);

/// Finds all string literals outside comments.
pub(crate) fn find(text: &str) -> Result<Vec<StringLiteral>, LiteralError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("//") {
            at += rest.find(is_line_end).unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            // The removal of comments reports an unclosed comment.
            at += block_length(rest).unwrap_or(rest.len());
        } else if rest.starts_with('"') {
            let literal = read(text, at)?;
            at = literal.range.end;
            found.push(literal);
        } else {
            // The scan continues at the next character that may start a comment or a string.
            let skipped = rest.chars().next().map_or(1, char::len_utf8);
            at += skipped + rest.get(skipped..).and_then(|rest| rest.find(['/', '"'])).unwrap_or(rest.len() - skipped);
        }
    }
    Ok(found)
}

/// Reads the literal that starts at byte `start`.
fn read(source: &str, start: usize) -> Result<StringLiteral, LiteralError> {
    let (mut text, mut places) = (String::new(), Vec::new());
    let mut chars = source.get(start + 1..).unwrap_or("").char_indices();
    while let Some((offset, c)) = chars.next() {
        let place = start + 1 + offset;
        let meant = match c {
            '"' => return Ok(StringLiteral { range: start..place + 1, text, places }),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(c @ ('\\' | '"' | '\'')) => c,
                _ => return Err((place, "this is not an escape: strings have \\n, \\t, \\\\, \\\" and \\'")),
            },
            c if is_line_end(c) => break,
            c if c.is_control() && c != '\t' => return Err((place, "a control character in a string")),
            c => c,
        };
        text.push(meant);
        places.resize(text.len(), place);
    }
    Err((start, "this string is not closed on its line"))
}

/// The text with every byte of the literals replaced by `_`, so that each literal is one identifier.
pub(crate) fn masked(text: &str, literals: &[StringLiteral]) -> String {
    let mut out = text.to_owned();
    for literal in literals {
        out.replace_range(literal.range.clone(), &"_".repeat(literal.range.len()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_outside_comments() {
        let text = "a(\"x // y\"); // \"no\"\n/* \"no /* \" */ */ b(\"é\\n\\\"\") / 2 /";
        let found = find(text).expect("well formed");
        let texts: Vec<&str> = found.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(texts, ["x // y", "é\n\""]);
        assert_eq!(text.get(found[1].range.clone()), Some("\"é\\n\\\"\""));
        assert_eq!(found[1].place(2), found[1].range.start + 3, "behind a character of two bytes");
        assert_eq!(found[1].place(3), found[1].range.start + 5, "behind an escape");
        let masked = masked(text, &found);
        assert!(masked.len() == text.len() && masked.starts_with("a(________); // \"no\""), "{masked}");
    }

    #[test]
    fn mistakes_have_a_place() {
        assert_eq!(find("ab \"x\n\"").expect_err("open").0, 3);
        assert_eq!(find("\"").expect_err("open").0, 0);
        assert_eq!(find("\"a\\q\"").expect_err("an escape").0, 2);
        assert_eq!(find("\"\\").expect_err("an escape").0, 1);
        assert_eq!(find("/* \" ").expect("a comment that is not closed"), []);
    }
}
