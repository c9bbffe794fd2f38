//! The lexer of the GLSL preprocessor. Comments separate tokens and are not tokens themselves.

/// Kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LexemeKind {
    /// A name or keyword.
    Word,
    /// A number, with its suffix.
    Number,
    /// An operator or bracket.
    Mark,
    /// A quoted string.
    Quoted,
    /// The end of a line.
    LineEnd,
    /// A character that GLSL does not allow outside comments.
    Stray,
    /// An unclosed comment. It is the last token.
    Unclosed,
}

/// A token: its kind and its byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lexeme {
    /// The kind of the token.
    pub(super) kind: LexemeKind,
    /// The first byte of the token.
    pub(super) start: usize,
    /// The byte after the last one.
    pub(super) end: usize,
}

/// The operators of more than one character, longer ones before shorter ones.
const OPERATORS: [&str; 22] =
    ["<<=", ">>=", "##", "<<", ">>", "++", "--", "<=", ">=", "==", "!=", "&&", "||", "^^", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="];

/// An iterator over the tokens of a text.
pub(super) struct Lexemes<'a> {
    /// The text.
    text: &'a str,
    /// The position from which the next token is searched.
    at: usize,
}

impl<'a> Lexemes<'a> {
    /// Creates the iterator for a text.
    pub(super) fn new(text: &'a str) -> Lexemes<'a> {
        Lexemes { text, at: 0 }
    }

    /// Skips blanks, comments and line continuations. The error is the position of an unclosed comment.
    fn skip(&mut self) -> Result<(), usize> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or("");
            if let Some(c) = rest.bytes().next()
                && matches!(c, b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c')
            {
                self.at += 1;
            } else if rest.starts_with("\\\n") || rest.starts_with("\\\r\n") {
                self.at += rest.find('\n').unwrap_or(0) + 1;
            } else if rest.starts_with("//") {
                self.at += line_length(rest);
            } else if rest.starts_with("/*") {
                let length = rest.get(2..).and_then(|inside| inside.find("*/"));
                self.at += length.ok_or(self.at)? + 4;
            } else {
                return Ok(());
            }
        }
    }
}

/// The length of a line without its end. A backslash before the end continues the line.
fn line_length(text: &str) -> usize {
    let mut ends = text.match_indices('\n').map(|(at, _)| at);
    let taken = |at: usize| text.get(..at).is_some_and(|line| line.strip_suffix('\r').unwrap_or(line).ends_with('\\'));
    ends.find(|&at| !taken(at)).unwrap_or(text.len())
}

/// Whether a character can be part of a word.
fn is_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}

/// The length of the number that the text starts with. A sign belongs to the number only after an exponent.
fn number_length(text: &str) -> usize {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let mut previous = ' ';
    let end = text.find(|c: char| {
        let exponent = !hex && matches!(previous, 'e' | 'E');
        let belongs = is_word(c) || c == '.' || (matches!(c, '+' | '-') && exponent);
        previous = c;
        !belongs
    });
    end.unwrap_or(text.len())
}

impl Iterator for Lexemes<'_> {
    type Item = Lexeme;

    fn next(&mut self) -> Option<Lexeme> {
        if let Err(start) = self.skip() {
            self.at = self.text.len();
            return Some(Lexeme { kind: LexemeKind::Unclosed, start, end: start + 2 });
        }
        let start = self.at;
        let rest = self.text.get(start..)?;
        let mut chars = rest.chars();
        let first = chars.next()?;
        let (kind, length) = match first {
            '\n' => (LexemeKind::LineEnd, 1),
            '0'..='9' => (LexemeKind::Number, number_length(rest)),
            '.' if chars.next().is_some_and(|c| c.is_ascii_digit()) => (LexemeKind::Number, number_length(rest)),
            c if is_word(c) => (LexemeKind::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            '"' => match rest.get(1..).and_then(|inside| inside.find(['"', '\n'])) {
                Some(inside) if rest.as_bytes().get(inside + 1) == Some(&b'"') => (LexemeKind::Quoted, inside + 2),
                _ => (LexemeKind::Stray, 1),
            },
            '#' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | ':' | '?' | '.' | '=' | '<' | '>' | '+' | '-' | '*' | '/' | '%' | '&'
            | '|' | '^' | '~' | '!' => {
                (LexemeKind::Mark, OPERATORS.iter().find(|operator| rest.starts_with(**operator)).map_or(1, |o| o.len()))
            }
            c => (LexemeKind::Stray, c.len_utf8()),
        };
        self.at = start + length;
        Some(Lexeme { kind, start, end: self.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(&str, LexemeKind)> {
        Lexemes::new(text).map(|token| (&text[token.start..token.end], token.kind)).collect()
    }

    #[test]
    fn tokens_are_cut_as_glsl_has_them() {
        let words: Vec<&str> = tokens("a+=b>>=1.5e-3f; x--.y /* no */ 0xEu-1 // no\n#define A(b) b##c").iter().map(|t| t.0).collect();
        let want = "a += b >>= 1.5e-3f ; x -- . y 0xEu - 1 \n # define A ( b ) b ## c";
        assert_eq!(words, want.split(' ').collect::<Vec<_>>());
        assert_eq!(tokens("\"text\" .5 ."), [("\"text\"", LexemeKind::Quoted), (".5", LexemeKind::Number), (".", LexemeKind::Mark)]);
    }

    #[test]
    fn lines_may_be_continued() {
        assert_eq!(tokens("a \\\n b // x \\\n c\nd").iter().map(|t| t.0).collect::<Vec<_>>(), ["a", "b", "\n", "d"]);
        assert_eq!(tokens("a \\\r\n b\r\n").iter().map(|t| t.0).collect::<Vec<_>>(), ["a", "b", "\n"]);
    }

    #[test]
    fn invalid_characters_are_kinds_of_their_own() {
        assert_eq!(tokens("é"), [("é", LexemeKind::Stray)]);
        assert_eq!(tokens("a \"b\nc").iter().filter(|t| t.1 == LexemeKind::Stray).count(), 1);
        assert_eq!(tokens("a /* b").last(), Some(&("/*", LexemeKind::Unclosed)));
        assert_eq!(tokens("a /*/ b").last(), Some(&("/*", LexemeKind::Unclosed)));
        assert_eq!(tokens("@\\").iter().filter(|t| t.1 == LexemeKind::Stray).count(), 2);
    }
}
