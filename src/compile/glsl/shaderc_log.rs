//! Converts the log of libshaderc to error messages in the format of the other languages.

use super::flat_text::FlatText;
use crate::compile::base::error::Error;
use crate::compile::text::diagnose::SpanLabel;

/// The file name that libshaderc is given. It starts each line of the log.
const NAME: &str = "glsl";

/// The compiler's names for unexpected tokens, and the tokens.
const TOKENS: [(&str, &str); 33] = [
    ("SEMICOLON", ";"),
    ("COMMA", ","),
    ("COLON", ":"),
    ("EQUAL", "="),
    ("DOT", "."),
    ("LEFT_BRACE", "{"),
    ("RIGHT_BRACE", "}"),
    ("LEFT_PAREN", "("),
    ("RIGHT_PAREN", ")"),
    ("LEFT_BRACKET", "["),
    ("RIGHT_BRACKET", "]"),
    ("LEFT_ANGLE", "<"),
    ("RIGHT_ANGLE", ">"),
    ("LEFT_OP", "<<"),
    ("RIGHT_OP", ">>"),
    ("PLUS", "+"),
    ("DASH", "-"),
    ("STAR", "*"),
    ("SLASH", "/"),
    ("PERCENT", "%"),
    ("BANG", "!"),
    ("TILDE", "~"),
    ("QUESTION", "?"),
    ("AMPERSAND", "&"),
    ("VERTICAL_BAR", "|"),
    ("CARET", "^"),
    ("AND_OP", "&&"),
    ("OR_OP", "||"),
    ("EQ_OP", "=="),
    ("NE_OP", "!="),
    ("LE_OP", "<="),
    ("GE_OP", ">="),
    ("INC_OP", "++"),
];

/// The error for the text `flat` from the compiler's log `log`. `note` is appended; it names the compiler.
pub(crate) fn error_from_log(flat: &FlatText, log: &str, note: &str) -> Error {
    let mut list = Vec::new();
    for line in log.lines() {
        let Some((number, said)) = error_line(line) else { continue };
        if said.contains("compilation terminated") || said.is_empty() {
            continue;
        }
        let (token, message) = readable(said);
        let range = number.and_then(|number| flat.find(number, &token));
        list.push((message, range.map(|range| SpanLabel { range, text: String::new() })));
    }
    if list.is_empty() {
        let first = log.lines().find(|line| !line.trim().is_empty()).unwrap_or("the compiler gave no reason");
        list.push((first.trim().to_owned(), None));
    }
    flat.source().errors(&list, &[note.to_owned()])
}

/// Parses a line of the log: the line number, if there is one, and the message. `None` for a line that is not an error.
fn error_line(line: &str) -> Option<(Option<usize>, &str)> {
    let rest = line.strip_prefix(NAME)?.strip_prefix(':')?;
    match rest.strip_prefix(" error: ") {
        Some(said) => Some((None, said.trim())),
        None => {
            let (number, rest) = rest.split_once(':')?;
            Some((number.trim().parse().ok(), rest.strip_prefix(" error: ")?.trim()))
        }
    }
}

/// The token that a message is about, and the message in plain words. The compiler's format is `'token' : reason`.
fn readable(said: &str) -> (String, String) {
    let said = said.strip_prefix("Linking compute stage: ").unwrap_or(said);
    if said.starts_with("Missing entry point") {
        return (String::new(), "there is no void main() with a body".to_owned());
    }
    let quoted = said.strip_prefix('\'').and_then(|rest| rest.split_once("' : "));
    let (token, reason) = quoted.map_or(("", said), |(token, reason)| (token, reason.trim()));
    if reason == "memory exhausted" {
        return (String::new(), "blocks or expressions nest deeper here than the compiler supports".to_owned());
    }
    let mut reason = reason.to_owned();
    let mut unexpected = None;
    if let Some((before, names)) = reason.split_once("syntax error, unexpected ") {
        let mut words: Vec<String> = Vec::new();
        for word in names.split_whitespace() {
            let (bare, comma) = word.strip_suffix(',').map_or((word, ""), |bare| (bare, ","));
            let known = TOKENS.iter().find(|(name, _)| *name == bare).map(|(_, mark)| *mark);
            if words.is_empty() {
                unexpected = known.map(str::to_owned);
            }
            words.push(match (known, bare) {
                (Some(mark), _) => format!("'{mark}'{comma}"),
                (None, "IDENTIFIER") => format!("a name{comma}"),
                (None, "INTCONSTANT" | "UINTCONSTANT" | "FLOATCONSTANT" | "DOUBLECONSTANT") => format!("a number{comma}"),
                _ => bare.to_lowercase() + comma,
            });
        }
        reason = format!("{before}syntax error, unexpected {}", words.join(" "));
    }
    let message = if token.is_empty() { reason } else { format!("'{token}': {reason}") };
    (unexpected.unwrap_or_else(|| token.to_owned()), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::glsl::preprocess::{PreprocessOptions, preprocess};

    #[test]
    fn lines_of_the_log_become_places_in_the_users_files() {
        let text = "#version 450\n#define TWICE(x) (x + missing)\nvoid main() {\n  float a = TWICE(other);\n  int b = 1.5 ;\n}\n";
        let options = PreprocessOptions { folders: &[], defines: &[], predefined: &|_, _| None };
        let flat = preprocess(text, "my.comp", options).expect("fine text");
        let line = |word: &str| flat.text.lines().position(|line| line.contains(word)).expect("in the text") + 1;
        let log = format!(
            "glsl:{0}: error: 'other' : undeclared identifier \nglsl:{0}: error: 'missing' : undeclared identifier \n\
             glsl:{1}: error: '=' :  cannot convert\nglsl:{1}: error: '' :  syntax error, unexpected SEMICOLON, expecting IDENTIFIER\n\
             glsl:{1}: warning: '' : nothing\nglsl: error: 'x' : no place\nglsl:9: error: '' : compilation terminated \n",
            line("other"),
            line("1.5")
        );
        let message = error_from_log(&flat, &log, "by a test").message;
        for part in [
            "error: 'other': undeclared identifier\n --> my.comp:4:19\n",
            "4 |   float a = TWICE(other);\n  |                   ^^^^^",
            "error: 'missing': undeclared identifier\n --> my.comp:4:13\n",
            "error: '=': cannot convert\n --> my.comp:5:9\n",
            "unexpected ';', expecting a name\n --> my.comp:5:15\n",
            "error: 'x': no place\n  = note: by a test",
        ] {
            assert!(message.contains(part), "{part}\n---\n{message}");
        }
        assert!(!message.contains("nothing") && !message.contains("terminated"), "{message}");
        assert!(error_from_log(&flat, "", "n").message.contains("no reason"));
        assert!(error_from_log(&flat, "something else\n", "n").message.contains("something else"));
    }
}
