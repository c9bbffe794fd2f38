//! What is printed, and in which colours: results on standard output, complaints on standard error.

use crate::failure::{Exit, Failure, Result, usage};
use std::io::{ErrorKind, IsTerminal, Write};

/// Whether each stream is coloured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Paint {
    out: bool,
    err: bool,
}

/// Colours, by what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Good,
    Bad,
    Doubtful,
    Faint,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Colour::Good => "32",
            Colour::Bad => "1;31",
            Colour::Doubtful => "33",
            Colour::Faint => "36",
        }
    }
}

impl Paint {
    /// By the option --color, or by the streams and the environment.
    pub(crate) fn new(choice: Option<&str>) -> Result<Paint> {
        let all = |on| Ok(Paint { out: on, err: on });
        match choice {
            Some("always") => all(true),
            Some("never") => all(false),
            Some("auto") | None => {
                let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
                    || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
                Ok(Paint { out: !plain && std::io::stdout().is_terminal(), err: !plain && std::io::stderr().is_terminal() })
            }
            Some(other) => Err(usage(format!("--color: '{other}' is none of auto, always, never"))),
        }
    }

    /// A word in a colour, for standard output.
    pub(crate) fn word(&self, colour: Colour, word: &str) -> String {
        painted(self.out, colour, word)
    }

    /// Prints text on standard output. A reader that has gone away ends the tool without a word.
    pub(crate) fn print(&self, text: &str) -> Result<()> {
        self.write(text.as_bytes())
    }

    /// The same for bytes.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Failure::said(Exit::Done)),
            Err(e) => Err(Failure::new(Exit::File, format!("standard output: {e}"))),
        }
    }

    /// Prints a complaint on standard error: "error:" in front, unless it begins with that.
    pub(crate) fn complain(&self, message: &str) {
        let prefix = if message.starts_with("error:") { "" } else { "error: " };
        let text: String = format!("{prefix}{message}").lines().map(|line| self.diagnostic(line) + "\n").collect();
        // Nobody is left to tell that standard error is closed.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Prints a remark on standard error.
    pub(crate) fn remark(&self, message: &str) {
        // As above.
        let _ = writeln!(std::io::stderr().lock(), "{}", painted(self.err, Colour::Doubtful, message));
    }

    /// A line of a compiler's message, in colours.
    fn diagnostic(&self, line: &str) -> String {
        if let Some(rest) = line.strip_prefix("error:") {
            return painted(self.err, Colour::Bad, "error:") + rest;
        }
        let trimmed = line.trim_start();
        if trimmed.starts_with("--> ") {
            return painted(self.err, Colour::Faint, line);
        }
        match line.split_once('|') {
            Some((margin, marks)) if margin.trim().is_empty() && marks.trim_start().starts_with('^') => {
                format!("{margin}|{}", painted(self.err, Colour::Bad, marks))
            }
            _ => line.to_owned(),
        }
    }
}

fn painted(on: bool, colour: Colour, text: &str) -> String {
    if on { format!("\x1b[{}m{text}\x1b[0m", colour.code()) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_keep_their_text() {
        let plain = Paint::default();
        let coloured = Paint { out: true, err: true };
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
