//! The cost of constants and types when the compiler expands them. The compiler walks or copies some of them part by part: thirty lines,
//! each made of two copies of the previous one, expand to a billion parts. This check is part of the scan before the compiler.
//!
//! Names are not resolved by scope. A name that is declared twice has the higher cost of the two.

use std::collections::HashMap;

use super::const_eval::{self, ConstValue};
use crate::compile::base::error::Result;
use crate::compile::text::diagnose::Source;
use crate::compile::text::token::{Placed, Token};

/// The most parts of an expanded type, not counting the lengths of arrays.
const MAX_TYPE: u64 = 65_536;
/// The most parts of an expanded constant.
const MAX_CONSTANT: u64 = 131_072;
/// The most parts that all uses of constants may copy.
const MAX_COPIES: u64 = 1 << 20;
/// The longest array that an empty constructor, such as `array<f32, 64>()`, may create.
const MAX_ZEROS: u64 = 1 << 20;
/// The most rounds in which costs are recomputed if declarations depend on each other in a cycle.
const ROUNDS: usize = 8;

/// Kinds of declaration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DeclarationKind {
    /// A struct or alias.
    Type,
    /// A constant.
    Constant,
}

/// A declaration of a name.
struct Declaration<'t, 'a> {
    /// The kind of the declaration.
    kind: DeclarationKind,
    /// The declared name.
    name: &'a str,
    /// The byte at which the declaration starts.
    at: usize,
    /// The tokens of the type, or of the constant's value.
    body: &'t [Placed<'a>],
    /// The tokens of a constant's type, if the type is written.
    ty: &'t [Placed<'a>],
}

/// The cost of a name, and other facts about it.
#[derive(Clone, Copy, Debug, Default)]
struct NameCost {
    /// The number of parts after expansion.
    parts: u64,
    /// The number of parts that each use copies.
    copies: u64,
    /// The length of the longest array inside; `u64::MAX` if a length is unknown.
    longest: u64,
    /// The value of an integer constant.
    value: ConstValue,
    /// Whether the name is a type with several parts.
    composite: bool,
    /// Whether the name is a constant whose parts are single values.
    flat: bool,
}

/// Checks the costs of a module's constants and types.
pub(crate) fn check(source: Source<'_>, tokens: &[Placed<'_>]) -> Result<()> {
    let declarations = declarations(tokens);
    let mut names: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, declaration) in declarations.iter().enumerate() {
        names.entry(declaration.name).or_default().push(index);
    }
    let order = ordered(&declarations, &names);
    let mut known: HashMap<&str, NameCost> = HashMap::new();
    let mut settled = false;
    for round in 0..ROUNDS {
        let mut changed = false;
        for declaration in order.iter().filter_map(|&index| declarations.get(index)) {
            let new = cost_of(declaration, &known);
            let (what, limit) = match declaration.kind {
                DeclarationKind::Type => ("type", MAX_TYPE),
                DeclarationKind::Constant => ("constant", MAX_CONSTANT),
            };
            if new.parts > limit {
                let message = format!("the {what} {} has more than {limit} parts, which is the limit", declaration.name);
                return Err(source.error_at(declaration.at, &message));
            }
            let old = known.entry(declaration.name).or_insert(new);
            let both = NameCost {
                parts: old.parts.max(new.parts),
                copies: old.copies.max(new.copies),
                longest: old.longest.max(new.longest),
                // The value of an integer no longer changes once the values of all its operands are known.
                value: if round == 0 { old.value.zip(new.value).map(|(a, b)| a.max(b)) } else { old.value },
                composite: old.composite || new.composite,
                flat: old.flat && new.flat,
            };
            changed |= both.parts != old.parts || both.longest != old.longest;
            *old = both;
        }
        // One round suffices unless names depend on each other in a cycle, which requires a name that is declared twice.
        if !changed && round > 0 {
            settled = true;
            break;
        }
    }
    if !settled && let Some(first) = declarations.first() {
        let message = "constants or types here depend on each other in too many rounds: give them different names";
        return Err(source.error_at(first.at, message));
    }
    check_uses(source, tokens, &known)
}

/// Checks how many parts the uses of constants copy, and checks empty constructors.
fn check_uses(source: Source<'_>, tokens: &[Placed<'_>], known: &HashMap<&str, NameCost>) -> Result<()> {
    let mut copies = 0_u64;
    for (position, &(token, at)) in tokens.iter().enumerate() {
        let Token::Word(name) = token else { continue };
        let own = known.get(name).copied().unwrap_or_default();
        copies = copies.saturating_add(own.copies);
        if copies > MAX_COPIES {
            let message = format!(
                "the uses of constants up to here copy more than {MAX_COPIES} values, which is the limit: give the constant \
                 {name} a type with explicit element types (const {name}: array<...> = ...), or make it a var<private>"
            );
            return Err(source.error_at(at, &message));
        }
        let array = array(tokens, position);
        let end = array.map_or(position + 1, |(_, end)| end);
        if !matches!(tokens.get(end..end + 2), Some([(Token::Mark('('), _), (Token::Mark(')'), _)])) {
            continue;
        }
        let longest = array.map_or(own.longest, |(_, end)| longest(tokens.get(position..end).unwrap_or(&[]), known));
        if longest > MAX_ZEROS {
            let length = match longest {
                u64::MAX => "whose length is not known before the text is compiled".to_owned(),
                _ => format!("of {longest} elements"),
            };
            let message = format!(
                "this makes a value with an array {length}, and values have at most {MAX_ZEROS} elements (write the length as a \
                 number or as arithmetic of constants)"
            );
            return Err(source.error_at(at, &message));
        }
    }
    Ok(())
}

/// The declarations of types and constants, at module scope and in functions.
fn declarations<'t, 'a>(tokens: &'t [Placed<'a>]) -> Vec<Declaration<'t, 'a>> {
    let mut list = Vec::new();
    for (position, &(token, at)) in tokens.iter().enumerate() {
        let Token::Word(keyword @ ("struct" | "alias" | "const")) = token else { continue };
        let Some(&(Token::Word(name), _)) = tokens.get(position + 1) else { continue };
        let after = tokens.get(position + 2..).unwrap_or(&[]);
        let end_mark = if keyword == "struct" { '}' } else { ';' };
        // An unclosed declaration ends where the next one starts, so that no token belongs to two declarations.
        let ends = |token| token == Token::Mark(end_mark) || matches!(token, Token::Word("struct" | "alias" | "const"));
        let end = after.iter().position(|&(token, _)| ends(token)).unwrap_or(after.len());
        let whole = after.get(..end).unwrap_or(&[]);
        let equals = whole.iter().position(|&(token, _)| token == Token::Mark('=')).unwrap_or(0);
        let start = (equals + 1).min(whole.len());
        let (ty, body) = whole.split_at(start);
        let what = if keyword == "const" { DeclarationKind::Constant } else { DeclarationKind::Type };
        list.push(Declaration { kind: what, name, at, body, ty: if what == DeclarationKind::Constant { ty } else { &[] } });
    }
    list
}

/// The declarations in dependency order, as far as they do not depend on each other in a cycle.
fn ordered(declarations: &[Declaration<'_, '_>], names: &HashMap<&str, Vec<usize>>) -> Vec<usize> {
    let parts = |index: usize| {
        let tokens = declarations.get(index).map_or((&[][..], &[][..]), |declaration| (declaration.ty, declaration.body));
        let words = tokens.0.iter().chain(tokens.1).filter_map(|&(token, _)| match token {
            Token::Word(word) => names.get(word),
            _ => None,
        });
        words.flatten().copied()
    };
    let mut order = Vec::with_capacity(declarations.len());
    let mut seen = vec![false; declarations.len()];
    let mut stack = Vec::new();
    for root in 0..declarations.len() {
        if std::mem::replace(seen.get_mut(root).unwrap_or(&mut true), true) {
            continue;
        }
        stack.push((root, parts(root)));
        while let Some((index, left)) = stack.last_mut() {
            match left.find(|&part| seen.get(part) == Some(&false)) {
                Some(part) => {
                    if let Some(seen) = seen.get_mut(part) {
                        *seen = true;
                    }
                    stack.push((part, parts(part)));
                }
                None => {
                    order.push(*index);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// Computes the cost of one declaration from the costs of its parts.
fn cost_of(declaration: &Declaration<'_, '_>, known: &HashMap<&str, NameCost>) -> NameCost {
    let body = declaration.body;
    let is_struct = declaration.kind == DeclarationKind::Type && body.iter().any(|&(token, _)| token == Token::Mark(':'));
    // An alias adds no part of its own.
    let mut sum = u64::from(is_struct || declaration.kind == DeclarationKind::Constant);
    let mut largest = 1;
    let mut composite = false;
    let mut all_flat = true;
    let (mut depth, mut deepest) = (0_u32, 0);
    for (position, &(token, _)) in body.iter().enumerate() {
        match token {
            Token::Word(name) => {
                // The name of a struct's member is not a part.
                let named = matches!(body.get(position + 1), Some(&(Token::Mark(':'), _)));
                if declaration.kind == DeclarationKind::Type && named {
                    continue;
                }
                let own = known.get(name).copied().unwrap_or_default();
                sum = sum.saturating_add(own.parts.max(u64::from(declaration.kind == DeclarationKind::Type)));
                largest = largest.max(own.parts);
                all_flat &= own.flat || own.parts <= 1;
                composite |= own.composite || name == "array";
            }
            Token::Mark(',') => sum = sum.saturating_add(1),
            Token::Mark('(') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Token::Mark(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let longest = longest(body, known);
    if declaration.kind == DeclarationKind::Type {
        // Uses of large types are walked, which is faster than the copying of constants.
        let copies = if sum > 256 { sum / 16 } else { 0 };
        return NameCost { parts: sum, copies, longest, value: None, composite: composite || is_struct, flat: false };
    }
    let value = const_eval::evaluate(body, &|name| known.get(name)?.value);
    let indexed = body.iter().any(|&(token, _)| token == Token::Mark('['));
    if indexed && !composite && all_flat {
        // The constant is an element of an array of single values.
        return NameCost { parts: 1, longest, value, ..NameCost::default() };
    }
    let parts = if composite { sum } else { largest };
    // Only a flat value with a known type is shared between its uses. All other values are copied at each use.
    let template = matches!(body.get(1), Some(&(Token::Mark('<'), _)));
    let named = matches!(body.first(), Some(&(Token::Word(name), _)) if known.get(name).is_some_and(|own| own.composite));
    let typed = declaration.ty.len() > 1 || template || named;
    let flat = composite && deepest <= 1 && all_flat && largest <= 1;
    let copies = if parts <= 16 || (flat && typed) { 0 } else { parts };
    NameCost { parts, copies, longest, value, composite: false, flat }
}

/// The length of the longest array whose type is written in `tokens`.
fn longest(tokens: &[Placed<'_>], known: &HashMap<&str, NameCost>) -> u64 {
    let lengths = (0..tokens.len()).filter_map(|position| array(tokens, position)?.0);
    let values = lengths.map(|length| const_eval::evaluate(length, &|name| known.get(name)?.value).unwrap_or(u64::MAX));
    values.max().unwrap_or(0).max(longest_named(tokens, known))
}

/// The length of the longest array in the types that are named in `tokens`.
fn longest_named(tokens: &[Placed<'_>], known: &HashMap<&str, NameCost>) -> u64 {
    let words = tokens.iter().filter_map(|&(token, _)| match token {
        Token::Word(name) => known.get(name).map(|known| known.longest),
        _ => None,
    });
    words.max().unwrap_or(0)
}

/// The array type that starts at `position`, if there is one: the tokens of its length, if it has a length, and the end of the type.
fn array<'t, 'a>(tokens: &'t [Placed<'a>], position: usize) -> Option<(Option<&'t [Placed<'a>]>, usize)> {
    if !matches!(tokens.get(position..position + 2)?, [(Token::Word("array"), _), (Token::Mark('<'), _)]) {
        return None;
    }
    let (mut angles, mut brackets) = (1_usize, 0_usize);
    let mut comma = None;
    let mut at = position + 2;
    loop {
        let &(token, place) = tokens.get(at)?;
        let shift = matches!(tokens.get(at + 1), Some(&(Token::Mark('<'), next)) if next == place + 1);
        match token {
            Token::Mark('(' | '[') => brackets += 1,
            Token::Mark(')' | ']') => brackets = brackets.checked_sub(1)?,
            Token::Mark(';' | '{' | '}') => return None,
            Token::Mark('<') if brackets == 0 && shift => at += 1,
            // The compiler rejects deeper nesting.
            Token::Mark('<') if brackets == 0 && angles > 200 => return None,
            Token::Mark('<') if brackets == 0 => angles += 1,
            Token::Mark('>') if brackets == 0 => {
                angles -= 1;
                if angles == 0 {
                    let length = comma.and_then(|comma: usize| tokens.get(comma + 1..at));
                    return Some((length, at + 1));
                }
            }
            Token::Mark(',') if brackets == 0 && angles == 1 && comma.is_none() => comma = Some(at),
            _ => {}
        }
        at += 1;
    }
}
