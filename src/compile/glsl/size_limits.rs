//! What flat GLSL text must not have too much of: types that are made of each other, constants that are copied at every use, functions,
//! cases. Compilers walk or copy them part by part, so that a few lines can keep one busy for hours. The limits are by measurement of
//! glslang, for seconds at most, and far over what people and generators write.

use std::collections::HashMap;

use crate::compile::base::error::Result;
use crate::compile::text::diagnose::Source;
use crate::compile::text::token::{Placed, Token};

/// The deepest nesting of blocks.
const MAX_BLOCKS: usize = 200;
/// The most functions: the time for the graph of their calls grows with the square of it.
const MAX_FUNCTIONS: usize = 2048;
/// The most functions of one name: a call looks at all of them, and keeps what it looked at.
const MAX_OVERLOADS: usize = 128;
/// The most cases of switches: as with functions.
const MAX_CASES: usize = 8192;
/// The most parts of a type, written out without arrays' lengths.
const MAX_TYPE: u64 = 65_536;
/// The most parts of types that are walked at all uses of types and variables.
const MAX_WALKED: u64 = 16 << 20;
/// The most parts of a constant.
const MAX_CONSTANT: u64 = 65_536;
/// The most parts of constants that all uses copy.
const MAX_COPIED: u64 = 1 << 20;
/// Constants of fewer parts are not counted.
const SMALL: u64 = 16;

/// A `{` that is open.
struct OpenBlock<'a> {
    /// The struct's name, if it is one with a name.
    name: Option<&'a str>,
    /// It holds members.
    members: bool,
    /// It is a list of values.
    values: bool,
    /// Parts of the members so far.
    weight: u64,
    /// Parts of the type that the current member has.
    member: u64,
}

/// A constant whose declaration is being read.
struct ConstantDeclaration<'a> {
    /// Its name.
    name: &'a str,
    /// Brackets that are open within the declaration.
    depth: usize,
    /// Its `=` is behind.
    valued: bool,
    /// Parts so far.
    weight: u64,
}

/// What is known so far.
#[derive(Default)]
struct SizeCounter<'a> {
    /// Blocks that are open.
    open: Vec<OpenBlock<'a>>,
    /// Parts of struct types, and of variables that have such types.
    types: HashMap<&'a str, u64>,
    /// Parts of constants.
    constants: HashMap<&'a str, u64>,
    constant: Option<ConstantDeclaration<'a>>,
    functions: usize,
    /// How often a name is declared with a list of parameters.
    overloads: HashMap<&'a str, usize>,
    cases: usize,
    walked: u64,
    copied: u64,
    /// Parts of the struct whose `}` or name came last.
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
    /// Takes in the name of a function that is declared.
    fn function(&mut self, word: &'a str) -> Option<String> {
        let count = self.overloads.entry(word).or_insert(0);
        *count += 1;
        (*count > MAX_OVERLOADS).then(|| format!("more than {MAX_OVERLOADS} functions are called {word}, the most that are compiled"))
    }

    /// Takes in a name; gives the message if a limit is passed.
    fn word(&mut self, word: &'a str) -> Option<String> {
        match word {
            "case" => {
                self.cases += 1;
                return (self.cases > MAX_CASES).then(|| format!("the text has more than {MAX_CASES} cases, the most that are compiled"));
            }
            "const" => self.constant = Some(ConstantDeclaration { name: "", depth: 0, valued: false, weight: 1 }),
            _ => {}
        }
        let weight = self.types.get(word).copied().unwrap_or(0);
        if weight > 0 {
            self.walked = self.walked.saturating_add(weight);
            if self.walked > MAX_WALKED {
                return Some(format!(
                    "the struct types used up to here have more than {MAX_WALKED} parts in all, the most that are compiled"
                ));
            }
        } else if self.last_type > SMALL && !self.open.last().is_some_and(|open| open.members) {
            // A variable of a struct type.
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
                "the uses of constants up to here copy more than {MAX_COPIED} values, the most that are compiled: make {word} a buffer"
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

    /// Takes in a mark, with the two tokens before it.
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

    /// A block begins.
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
                return Some(format!("the text has more than {MAX_FUNCTIONS} functions, the most that are compiled"));
            }
        }
        self.open.push(OpenBlock { name, members, values, weight: 0, member: 0 });
        if self.open.len() > MAX_BLOCKS {
            return Some(format!("blocks nest more than {MAX_BLOCKS} levels deep here, the most that are compiled"));
        }
        if let Some(constant) = self.constant.as_mut().filter(|_| values) {
            constant.depth += 1;
        } else {
            self.constant = None;
        }
        None
    }

    /// A block ends.
    fn end(&mut self, before: Option<Token<'a>>) -> Option<String> {
        let open = self.open.pop()?;
        if open.values {
            let nested = self.open.last().is_some_and(|open| open.values);
            if before == Some(Token::Mark('{')) && (nested || self.constant.is_some()) {
                let message = "an empty list of values may stand for an array of any length, and is taken behind the = of a variable only";
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
                return Some(format!("the type {name} has more than {MAX_TYPE} parts, the most that are compiled"));
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

    /// What a mark is to the constant that is being declared.
    fn constant_mark(&mut self, mark: char) -> Option<String> {
        let constant = self.constant.as_mut()?;
        match mark {
            '(' | '[' => constant.depth += 1,
            ')' | ']' => match constant.depth.checked_sub(1) {
                Some(depth) => constant.depth = depth,
                // The end of a list of parameters.
                None => self.constant = None,
            },
            '=' if constant.depth == 0 => constant.valued = true,
            ',' if constant.valued => constant.weight = constant.weight.saturating_add(1),
            ';' if constant.depth == 0 => {
                let done = self.constant.take()?;
                if done.weight > MAX_CONSTANT {
                    return Some(format!("the constant {} has more than {MAX_CONSTANT} parts, the most that are compiled", done.name));
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
