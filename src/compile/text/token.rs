//! The tokens of WGSL, as far as the scan before the compiler needs them. Comments have already been removed (see
//! [`comments`](super::comments)), so the scan and the compiler cannot disagree about them.

use std::ops::Range;

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// An identifier, keyword or `_`.
    Word(&'a str),
    /// A number, with its suffix.
    Number(&'a str),
    /// Any other character. An operator of several characters is several tokens.
    Mark(char),
}

/// A token and the byte at which it starts.
pub(crate) type Placed<'a> = (Token<'a>, usize);

/// An iterator over the tokens of a text, with their byte ranges.
pub(crate) struct Tokens<'a> {
    /// The whole text.
    text: &'a str,
    /// The position from which the next token is searched.
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Creates the iterator for a text.
    pub(crate) fn new(text: &'a str) -> Tokens<'a> {
        Tokens { text, at: 0 }
    }
}

/// Whether a character is white space (Unicode Pattern_White_Space).
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, '\u{20}' | '\u{9}'..='\u{d}' | '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character ends a line.
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\u{a}'..='\u{d}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character can be part of a word. Other distinctions of the Unicode tables do not matter here.
fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric() || (!c.is_ascii() && !is_blank(c))
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (Token<'a>, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.get(self.at..)?;
        let start = self.at + rest.find(|c| !is_blank(c))?;
        let rest = self.text.get(start..)?;
        let mut chars = rest.chars();
        let first = chars.next()?;
        let second = chars.next();
        let number = first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit()));
        let length = if number {
            number_length(rest)
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let text = rest.get(..length)?;
        self.at = start + length;
        let token = if number {
            Token::Number(text)
        } else if is_word(first) {
            Token::Word(text)
        } else {
            Token::Mark(first)
        };
        Some((token, start..start + length))
    }
}

/// The length of the number that the text starts with. A sign belongs to the number only after an exponent.
fn number_length(text: &str) -> usize {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let mut previous = ' ';
    let end = text.find(|c: char| {
        let exponent = if hex { matches!(previous, 'p' | 'P') } else { matches!(previous, 'e' | 'E') };
        let belongs = c.is_ascii_alphanumeric() || c == '.' || (matches!(c, '+' | '-') && exponent);
        previous = c;
        !belongs
    });
    end.unwrap_or(text.len())
}
