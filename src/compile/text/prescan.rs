//! The scan before the compiler: refuses texts whose shape would overflow its stack, exhaust memory, or keep it busy for minutes.
//! An overflow of the stack and a failed allocation end the process, so they must not come about; see
//! [`WGSL_STACK`](crate::compile::wgsl::parse::WGSL_STACK) for the margin. The limits are far over what people and generators write.

use super::diagnose::Source;
use super::token::{Placed, Token, Tokens};
use crate::compile::base::error::Result;

/// The deepest nesting of `(` and `[`. The compiler's own limit is a little higher and has no message.
const MAX_NESTING: usize = 120;
/// The most operators and member accesses in a row, those of the enclosing brackets included.
const MAX_CHAIN: usize = 8192;
/// The most `else` in a row, those of the enclosing blocks included: drivers take control flow 1023 levels deep.
const MAX_ELSE: usize = 1000;
/// The most declarations (functions, constants, types, variables) at the top of a module: they may depend on each other in a row.
const MAX_DECLARATIONS: usize = 16384;
/// The most tokens in one declaration: the compiler's time grows with their square.
const MAX_TOKENS: usize = 262_144;

/// The longest name, in bytes. The compiler writes names into SPIR-V and does not notice when they are longer than an instruction.
const MAX_NAME: usize = 4096;

/// Checks the nesting, chains and counts of `text`, which is `source` without comments; gives its tokens.
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

/// What is open at a place of the text.
#[derive(Default)]
struct Level {
    /// Whether it is a `{`.
    brace: bool,
    /// Operators since the last separator.
    chain: usize,
    /// `else` since the last statement that began without one.
    elses: usize,
}

/// The walk over the text.
#[derive(Default)]
struct Shape {
    /// Open brackets, the module itself not among them.
    levels: Vec<Level>,
    /// Operators since the last separator, outside of brackets.
    outside: usize,
    /// The sums of what the levels hold.
    chain: usize,
    elses: usize,
    /// Open `(` and `[`.
    nesting: usize,
    /// Declarations, and tokens of the last one.
    declarations: usize,
    tokens: usize,
}

impl Shape {
    /// Takes in a token; gives the message if a limit is passed.
    fn token(&mut self, token: Token<'_>, next: Option<Token<'_>>) -> Option<String> {
        self.tokens += 1;
        if self.tokens > MAX_TOKENS {
            return Some(format!("this declaration has more than {MAX_TOKENS} tokens, the most that are compiled"));
        }
        match token {
            Token::Word(word) if word.len() > MAX_NAME => {
                return Some(format!("this name has {} bytes; {MAX_NAME} are the most that are compiled", word.len()));
            }
            Token::Mark('(' | '[') => {
                self.nesting += 1;
                if self.nesting > MAX_NESTING {
                    return Some(format!("brackets nest more than {MAX_NESTING} levels deep here, the most that are compiled"));
                }
                self.levels.push(Level::default());
                // An index or a call continues the chain before it.
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
            // A template's brackets count like operators: they nest, too, and are not told from comparisons here.
            Token::Mark(_) => return self.link(),
            Token::Word("else") => {
                self.elses += 1;
                if let Some(level) = self.levels.last_mut() {
                    level.elses += 1;
                }
                if self.elses > MAX_ELSE {
                    let message = "else branches follow each other here, the most that are compiled: use switch, or a loop over a table";
                    return Some(format!("more than {MAX_ELSE} {message}"));
                }
            }
            Token::Word(_) | Token::Number(_) => {}
        }
        None
    }

    /// One more operator.
    fn link(&mut self) -> Option<String> {
        self.chain += 1;
        match self.levels.last_mut() {
            Some(level) => level.chain += 1,
            None => self.outside += 1,
        }
        (self.chain > MAX_CHAIN).then(|| {
            format!("this expression has more than {MAX_CHAIN} operators, the most that are compiled: write it in several statements")
        })
    }

    /// The end of a chain.
    fn cut(&mut self) {
        let own = match self.levels.last_mut() {
            Some(level) => std::mem::take(&mut level.chain),
            None => std::mem::take(&mut self.outside),
        };
        self.chain -= own;
    }

    /// A closing bracket. Whether it fits its opening one is the compiler's to say.
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

    /// The end of a declaration; a semicolon alone is none.
    fn declared(&mut self) -> Option<String> {
        self.declarations += usize::from(self.tokens > 1);
        self.tokens = 0;
        (self.declarations > MAX_DECLARATIONS)
            .then(|| format!("the module has more than {MAX_DECLARATIONS} declarations, the most that are compiled"))
    }
}

#[cfg(test)]
mod tests;
