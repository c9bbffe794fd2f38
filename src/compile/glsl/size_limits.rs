//! Limits on preprocessed GLSL text: on types that contain each other, on constants that are copied at every use, on functions and on
//! cases. Compilers walk or copy these part by part, so a few lines can keep a compiler busy for hours. The limits come from measurements
//! of glslang: compiling takes at most seconds. They are far above what people and generators write.

use std::collections::HashMap;

use crate::compile::base::error::Result;
use crate::compile::text::diagnose::Source;
use crate::compile::text::token::{Placed, Token};

/// The deepest nesting of blocks.
const MAX_BLOCKS: usize = 200;
/// The most functions. The time for the call graph grows with the square of this number.
const MAX_FUNCTIONS: usize = 2048;
/// The most overloads of one function. Each call examines all overloads and stores the results.
const MAX_OVERLOADS: usize = 128;
/// The most cases of switches. The time grows with the square of this number.
const MAX_CASES: usize = 8192;
/// The most parts of an expanded type, not counting the lengths of arrays.
const MAX_TYPE: u64 = 65_536;
/// The most parts of types that are walked at all uses of types and variables.
const MAX_WALKED: u64 = 16 << 20;
/// The most parts of a constant.
const MAX_CONSTANT: u64 = 65_536;
/// The most parts that all uses of constants may copy.
const MAX_COPIED: u64 = 1 << 20;
/// Constants with at most this many parts are not counted.
const SMALL: u64 = 16;

/// An open block.
struct OpenBlock<'a> {
    /// The name of the struct, if the block is a struct with a name.
    name: Option<&'a str>,
    /// The block contains members.
    members: bool,
    /// The block is an initializer list.
    values: bool,
    /// The number of parts of the members so far.
    weight: u64,
    /// The number of parts of the current member's type.
    member: u64,
}

/// A constant whose declaration is being read.
struct ConstantDeclaration<'a> {
    /// The name of the constant.
    name: &'a str,
    /// The number of open brackets within the declaration.
    depth: usize,
    /// The `=` has occurred.
    valued: bool,
    /// The number of parts so far.
    weight: u64,
}

/// The state of the check.
#[derive(Default)]
struct SizeCounter<'a> {
    /// The open blocks.
    open: Vec<OpenBlock<'a>>,
    /// The parts of struct types, and of variables with such types.
    types: HashMap<&'a str, u64>,
    /// The parts of constants.
    constants: HashMap<&'a str, u64>,
    constant: Option<ConstantDeclaration<'a>>,
    functions: usize,
    /// The number of declarations with a list of parameters, for each name.
    overloads: HashMap<&'a str, usize>,
    cases: usize,
    walked: u64,
    copied: u64,
    /// The parts of the struct whose `}` or name was the last token.
    last_type: u64,
}

/// Checks the tokens of `source`.
pub(super) fn check(source: Source<'_>, tokens: &[Placed<'_>]) -> Result<()> {
    let mut counter = SizeCounter::default();
    for (position, &(token, at)) in tokens.iter().enumerate() {
        let before = |back: usize| position.checked_sub(back).and_then(|position| tokens.get(position)).map(|&(token, _)| token);
        let refused = match token {
            Token::Word(word) => {
                let called = matches!(tokens.get(position + 1), Some((Token::Mark('('), _)));
                let typed = matches!(before(1), Some(Token::Word(_) | Token::Mark(']')));
                if called && typed && word != "layout" && counter.open.is_empty() { counter.function(word) } else { counter.word(word) }
            }
            Token::Mark(mark) => counter.mark(mark, before(1), before(2)),
            Token::Number(_) => None,
        };
        if let Some(message) = refused {
            return Err(source.error_at(at, &message));
        }
    }
    Ok(())
}

impl<'a> SizeCounter<'a> {
    /// Processes the name of a function that is declared.
    fn function(&mut self, word: &'a str) -> Option<String> {
        let count = self.overloads.entry(word).or_insert(0);
        *count += 1;
        (*count > MAX_OVERLOADS).then(|| format!("more than {MAX_OVERLOADS} functions are called {word}, which is the limit"))
    }

    /// Processes a word. Returns an error message if a limit is exceeded.
    fn word(&mut self, word: &'a str) -> Option<String> {
        match word {
            "case" => {
                self.cases += 1;
                return (self.cases > MAX_CASES).then(|| format!("the text has more than {MAX_CASES} cases, which is the limit"));
            }
            "const" => self.constant = Some(ConstantDeclaration { name: "", depth: 0, valued: false, weight: 1 }),
            _ => {}
        }
        let weight = self.types.get(word).copied().unwrap_or(0);
        if weight > 0 {
            self.walked = self.walked.saturating_add(weight);
            if self.walked > MAX_WALKED {
                return Some(format!("the struct types used up to here have more than {MAX_WALKED} parts in all, which is the limit"));
            }
        } else if self.last_type > SMALL && !self.open.last().is_some_and(|open| open.members) {
            // The word is a variable of a struct type.
            self.types.insert(word, self.last_type);
        }
        self.last_type = weight;
        if let Some(open) = self.open.last_mut().filter(|open| open.members) {
            open.member = open.member.max(weight);
        }
        let parts = self.constants.get(word).copied().unwrap_or(0);
        self.copied = self.copied.saturating_add(parts);
        if self.copied > MAX_COPIED {
            return Some(format!(
                "the uses of constants up to here copy more than {MAX_COPIED} values, which is the limit: make {word} a buffer"
            ));
        }
        let constant = self.constant.as_mut()?;
        if constant.valued {
            constant.weight = constant.weight.saturating_add(parts);
        } else if constant.depth == 0 {
            constant.name = word;
        }
        None
    }

    /// Processes an operator or bracket. `before` and `earlier` are the two previous tokens.
    fn mark(&mut self, mark: char, before: Option<Token<'a>>, earlier: Option<Token<'a>>) -> Option<String> {
        if !matches!(mark, '[' | ']') {
            self.last_type = if mark == '}' { self.last_type } else { 0 };
        }
        match mark {
            '{' => return self.begin(before, earlier),
            '}' => {
                let refused = self.end(before);
                if refused.is_some() {
                    return refused;
                }
            }
            ',' | ';' => {
                if let Some(open) = self.open.last_mut().filter(|open| open.members) {
                    open.weight = open.weight.saturating_add(open.member.max(1));
                    if mark == ';' {
                        open.member = 0;
                    }
                }
            }
            _ => {}
        }
        self.constant_mark(mark)
    }

    /// Processes the start of a block.
    fn begin(&mut self, before: Option<Token<'a>>, earlier: Option<Token<'a>>) -> Option<String> {
        let outer = self.open.last();
        let values = matches!(before, Some(Token::Mark('=' | ',' | '('))) || outer.is_some_and(|open| open.values);
        let (name, members) = match (earlier, before) {
            (Some(Token::Word("struct")), Some(Token::Word(name))) => (Some(name), true),
            (_, Some(Token::Word("struct"))) => (None, true),
            (_, Some(Token::Word(word))) => (None, self.open.is_empty() && !matches!(word, "else" | "do")),
            _ => (None, false),
        };
        if self.open.is_empty() && before == Some(Token::Mark(')')) {
            self.functions += 1;
            if self.functions > MAX_FUNCTIONS {
                return Some(format!("the text has more than {MAX_FUNCTIONS} functions, which is the limit"));
            }
        }
        self.open.push(OpenBlock { name, members, values, weight: 0, member: 0 });
        if self.open.len() > MAX_BLOCKS {
            return Some(format!("blocks nest more than {MAX_BLOCKS} levels deep here, which is the limit"));
        }
        if let Some(constant) = self.constant.as_mut().filter(|_| values) {
            constant.depth += 1;
        } else {
            self.constant = None;
        }
        None
    }

    /// Processes the end of a block.
    fn end(&mut self, before: Option<Token<'a>>) -> Option<String> {
        let open = self.open.pop()?;
        if open.values {
            let nested = self.open.last().is_some_and(|open| open.values);
            if before == Some(Token::Mark('{')) && (nested || self.constant.is_some()) {
                let message = "an empty list of values may be an array of any length, and is supported only after the = of a variable";
                return Some(format!("{message}: write the values out"));
            }
            if let Some(constant) = self.constant.as_mut() {
                constant.depth = constant.depth.saturating_sub(1);
            }
        }
        self.last_type = 0;
        if open.members {
            if open.weight > MAX_TYPE {
                let name = open.name.unwrap_or("(unnamed)");
                return Some(format!("the type {name} has more than {MAX_TYPE} parts, which is the limit"));
            }
            if let Some(name) = open.name {
                let known = self.types.entry(name).or_insert(0);
                *known = open.weight.max(*known);
            }
            self.last_type = open.weight;
            if let Some(outer) = self.open.last_mut().filter(|outer| outer.members) {
                outer.member = outer.member.max(open.weight);
            }
        }
        None
    }

    /// Processes an operator or bracket within the declaration of a constant.
    fn constant_mark(&mut self, mark: char) -> Option<String> {
        let constant = self.constant.as_mut()?;
        match mark {
            '(' | '[' => constant.depth += 1,
            ')' | ']' => match constant.depth.checked_sub(1) {
                Some(depth) => constant.depth = depth,
                // The bracket ends a list of parameters, so the declaration is not a constant.
                None => self.constant = None,
            },
            '=' if constant.depth == 0 => constant.valued = true,
            ',' if constant.valued => constant.weight = constant.weight.saturating_add(1),
            ';' if constant.depth == 0 => {
                let done = self.constant.take()?;
                if done.weight > MAX_CONSTANT {
                    return Some(format!("the constant {} has more than {MAX_CONSTANT} parts, which is the limit", done.name));
                }
                if done.valued && done.weight > SMALL {
                    let known = self.constants.entry(done.name).or_insert(0);
                    *known = done.weight.max(*known);
                }
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests;
