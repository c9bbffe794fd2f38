//! The output of the tool and its colours: results on standard output, errors and warnings on standard error.

use crate::error::{Error, Exit, Result, usage};
use std::io::{ErrorKind, IsTerminal, Write};

/// Which of the two streams have colours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OutputStyle {
    out: bool,
    err: bool,
}

/// Colours, by their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Success,
    Error,
    Warning,
    Location,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Colour::Success => "32",
            Colour::Error => "1;31",
            Colour::Warning => "33",
            Colour::Location => "36",
        }
    }
}

impl OutputStyle {
    /// Decides by the option --color, or by the streams and the environment.
    pub(crate) fn new(choice: Option<&str>) -> Result<OutputStyle> {
        let all = |on| Ok(OutputStyle { out: on, err: on });
        match choice {
            Some("always") => all(true),
            Some("never") => all(false),
            Some("auto") | None => {
                let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
                    || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
                Ok(OutputStyle { out: !plain && std::io::stdout().is_terminal(), err: !plain && std::io::stderr().is_terminal() })
            }
            Some(other) => Err(usage(format!("--color: '{other}' is not one of auto, always, never"))),
        }
    }

    /// A word in a colour, for standard output.
    pub(crate) fn word(&self, colour: Colour, word: &str) -> String {
        coloured_text(self.out, colour, word)
    }

    /// Prints text on standard output. If the reader has closed the pipe, the tool ends without a message.
    pub(crate) fn print(&self, text: &str) -> Result<()> {
        self.write(text.as_bytes())
    }

    /// Writes bytes to standard output, as `print` does with text.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Error::reported(Exit::Done)),
            Err(e) => Err(Error::new(Exit::File, format!("standard output: {e}"))),
        }
    }

    /// Prints an error on standard error. "error:" goes in front, unless the message starts with that.
    pub(crate) fn error(&self, message: &str) {
        let prefix = if message.starts_with("error:") { "" } else { "error: " };
        let text: String = format!("{prefix}{message}").lines().map(|line| self.diagnostic(line) + "\n").collect();
        // If standard error is closed, there is nowhere left to report it.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Prints a warning on standard error.
    pub(crate) fn warn(&self, message: &str) {
        // As in `error`.
        let _ = writeln!(std::io::stderr().lock(), "{}", coloured_text(self.err, Colour::Warning, message));
    }

    /// Adds colours to a line of a compiler's message.
    fn diagnostic(&self, line: &str) -> String {
        if let Some(rest) = line.strip_prefix("error:") {
            return coloured_text(self.err, Colour::Error, "error:") + rest;
        }
        let trimmed = line.trim_start();
        if trimmed.starts_with("--> ") {
            return coloured_text(self.err, Colour::Location, line);
        }
        match line.split_once('|') {
            Some((margin, marks)) if margin.trim().is_empty() && marks.trim_start().starts_with('^') => {
                format!("{margin}|{}", coloured_text(self.err, Colour::Error, marks))
            }
            _ => line.to_owned(),
        }
    }
}

fn coloured_text(on: bool, colour: Colour, text: &str) -> String {
    if on { format!("\x1b[{}m{text}\x1b[0m", colour.code()) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_keep_their_text() {
        let plain = OutputStyle::default();
        let coloured = OutputStyle { out: true, err: true };
        for line in ["error: no", " --> k.wgsl:1:2", "1 | let a = b | c;", "  |     ^^^ unknown", "  = note: x"] {
            assert_eq!(plain.diagnostic(line), line);
            let mut text = coloured.diagnostic(line);
            for code in ["\x1b[1;31m", "\x1b[36m", "\x1b[0m"] {
                text = text.replace(code, "");
            }
            assert_eq!(text, line);
        }
        assert_eq!(coloured.diagnostic("  | ^"), "  |\x1b[1;31m ^\x1b[0m");
        assert_eq!(coloured.diagnostic("1 | let a = b | c;"), "1 | let a = b | c;");
    }
}
