//! The scan before the compiler: rejects texts whose shape would overflow the compiler's stack, exhaust memory, or take minutes. A stack
//! overflow and a failed allocation end the process, so they must be prevented. [`WGSL_STACK`](crate::compile::wgsl::parse::WGSL_STACK)
//! documents the margin. The limits are far above what people and generators write.

use super::diagnose::Source;
use super::token::{Placed, Token, Tokens};
use crate::compile::base::error::Result;

/// The deepest nesting of `(` and `[`. The compiler's own limit is slightly higher and has no error message.
const MAX_NESTING: usize = 120;
/// The longest chain of operators and member accesses, including the chains of enclosing brackets.
const MAX_CHAIN: usize = 8192;
/// The longest chain of `else`, including those of enclosing blocks. Drivers accept control flow that is 1023 levels deep.
const MAX_ELSE: usize = 1000;
/// The most declarations (functions, constants, types, variables) at module scope. Each may depend on the previous one.
const MAX_DECLARATIONS: usize = 16384;
/// The most tokens in one declaration. The compiler's time grows with the square of this number.
const MAX_TOKENS: usize = 262_144;

/// The longest name, in bytes. The compiler writes names into SPIR-V without checking that they fit in an instruction.
const MAX_NAME: usize = 4096;

/// Checks the nesting, the chains and the counts of `text`, which is the text of `source` without comments. Returns the tokens.
pub(crate) fn shape<'a>(source: Source<'_>, text: &'a str) -> Result<Vec<Placed<'a>>> {
    let tokens: Vec<Placed<'a>> = Tokens::new(text).map(|(token, range)| (token, range.start)).collect();
    let mut shape = Shape::default();
    for (position, &(token, at)) in tokens.iter().enumerate() {
        let next = tokens.get(position + 1).map(|&(token, _)| token);
        if let Some(limit) = shape.token(token, next) {
            return Err(source.error_at(at, &limit));
        }
    }
    Ok(tokens)
}

/// An open bracket or block.
#[derive(Default)]
struct Level {
    /// Whether the level is a block (`{`).
    brace: bool,
    /// The number of operators since the last separator.
    chain: usize,
    /// The number of `else` since the last statement that is not part of an `else` chain.
    elses: usize,
}

/// The state of the scan.
#[derive(Default)]
struct Shape {
    /// The open brackets and blocks.
    levels: Vec<Level>,
    /// The number of operators since the last separator, outside brackets.
    outside: usize,
    /// The totals over all levels.
    chain: usize,
    elses: usize,
    /// The number of open `(` and `[`.
    nesting: usize,
    /// The number of declarations, and of tokens in the current declaration.
    declarations: usize,
    tokens: usize,
}

impl Shape {
    /// Processes a token. Returns an error message if the token exceeds a limit.
    fn token(&mut self, token: Token<'_>, next: Option<Token<'_>>) -> Option<String> {
        self.tokens += 1;
        if self.tokens > MAX_TOKENS {
            return Some(format!("this declaration has more than {MAX_TOKENS} tokens, which is the limit"));
        }
        match token {
            Token::Word(word) if word.len() > MAX_NAME => {
                return Some(format!("this name has {} bytes, and the limit is {MAX_NAME}", word.len()));
            }
            Token::Mark('(' | '[') => {
                self.nesting += 1;
                if self.nesting > MAX_NESTING {
                    return Some(format!("brackets nest more than {MAX_NESTING} levels deep here, which is the limit"));
                }
                self.levels.push(Level::default());
                // An index or a call continues the chain of operators before it.
                return self.link();
            }
            Token::Mark('{') => {
                self.cut();
                self.levels.push(Level { brace: true, ..Level::default() });
            }
            Token::Mark(')' | ']' | '}') => return self.close(next),
            Token::Mark(';') => {
                self.cut();
                if self.levels.is_empty() {
                    return self.declared();
                }
            }
            Token::Mark(',') => self.cut(),
            // The angle brackets of a template count as operators: they nest as well, and the scan does not distinguish them from
            // comparisons.
            Token::Mark(_) => return self.link(),
            Token::Word("else") => {
                self.elses += 1;
                if let Some(level) = self.levels.last_mut() {
                    level.elses += 1;
                }
                if self.elses > MAX_ELSE {
                    let message = "else branches follow each other here, which is the limit: use switch, or a loop over a table";
                    return Some(format!("more than {MAX_ELSE} {message}"));
                }
            }
            Token::Word(_) | Token::Number(_) => {}
        }
        None
    }

    /// Counts an operator.
    fn link(&mut self) -> Option<String> {
        self.chain += 1;
        match self.levels.last_mut() {
            Some(level) => level.chain += 1,
            None => self.outside += 1,
        }
        (self.chain > MAX_CHAIN)
            .then(|| format!("this expression has more than {MAX_CHAIN} operators, which is the limit: write it in several statements"))
    }

    /// Ends the current chain of operators.
    fn cut(&mut self) {
        let own = match self.levels.last_mut() {
            Some(level) => std::mem::take(&mut level.chain),
            None => std::mem::take(&mut self.outside),
        };
        self.chain -= own;
    }

    /// Processes a closing bracket. The compiler checks that brackets match.
    fn close(&mut self, next: Option<Token<'_>>) -> Option<String> {
        let level = self.levels.pop()?;
        self.chain -= level.chain;
        self.elses -= level.elses;
        if !level.brace {
            self.nesting -= 1;
            return None;
        }
        self.cut();
        if next != Some(Token::Word("else")) {
            let own = self.levels.last_mut().map_or(0, |outer| std::mem::take(&mut outer.elses));
            self.elses -= own;
        }
        if self.levels.is_empty() { self.declared() } else { None }
    }

    /// Ends a declaration. A lone semicolon is not a declaration.
    fn declared(&mut self) -> Option<String> {
        self.declarations += usize::from(self.tokens > 1);
        self.tokens = 0;
        (self.declarations > MAX_DECLARATIONS)
            .then(|| format!("the module has more than {MAX_DECLARATIONS} declarations, which is the limit"))
    }
}

#[cfg(test)]
mod tests;
