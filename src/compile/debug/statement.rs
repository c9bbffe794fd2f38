//! `printf("...", ...)` and `assert(...)` in WGSL text. WGSL has neither. With debugging, these statements become calls of functions that
//! are appended to the text; without debugging, they become blanks. The functions convert the values to words, which WGSL can do, and call
//! an empty function whose body the pass on the SPIR-V fills in (see [`instrument`](super::instrument)).

use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;

use super::format::{Format, ValueShape, WireType};
use super::report::{ReportPlan, ReportSite, SiteKind};
use super::string_literal::{self, StringLiteral};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::text::comments;
use crate::compile::text::diagnose::{Source, SpanLabel};
use crate::compile::text::edits::Edits;
use crate::compile::text::token::{Token, Tokens};

/// The most words that one statement may print.
pub(crate) const MAX_WORDS: u32 = 60;

/// The most printf and assert statements of a module. Each becomes a function.
const MAX_STATEMENTS: usize = 4096;

/// Text that is ready for the compiler.
pub(crate) struct PreparedText {
    /// The text without comments and strings.
    pub(crate) text: String,
    /// The changes to the text. Comments that became blanks are not among them.
    pub(crate) edits: Edits,
    /// What the statements report.
    pub(crate) plan: ReportPlan,
}

/// A token and its byte range.
type RangedToken<'a> = (Token<'a>, Range<usize>);

/// A printf or assert statement.
struct ReportStatement {
    /// The range from the name to the closing bracket.
    range: Range<usize>,
    /// The byte at which the first argument starts.
    inside: usize,
    /// The range of the condition; `None` for printf.
    condition: Option<Range<usize>>,
    /// The format, as an index into the string literals.
    format: Option<usize>,
    /// The ranges of the values' expressions.
    values: Vec<Range<usize>>,
}

/// Removes comments, strings, and printf and assert statements from the user's text. With `debug`, calls that report replace the
/// statements.
pub(crate) fn prepare(source: Source<'_>, debug: bool) -> Result<PreparedText> {
    let text = source.text;
    let without_comments =
        |text: &str| comments::prepare(text).map_err(|unclosed| source.error_at(unclosed.0, "this comment is not closed"));
    if !text.contains("printf") && !text.contains("assert") {
        return Ok(PreparedText { text: without_comments(text)?, edits: Edits::default(), plan: ReportPlan::default() });
    }
    let literals = string_literal::find(text).map_err(|(at, message)| source.error_at(at, message))?;
    let mut clean = without_comments(&string_literal::masked(text, &literals))?;
    let statements = find(source, &clean, &literals)?;
    // The compiler rejects any other string.
    let formats: HashSet<usize> = statements.iter().filter_map(|statement| statement.format).collect();
    for (position, literal) in literals.iter().enumerate() {
        if !formats.contains(&position) {
            clean.replace_range(literal.range.start..literal.range.start + 1, "\"");
        }
    }
    let mut calls = Calls { base: unused_name(text), edits: Edits::default(), stubs: String::new(), sites: Vec::new(), sizes: Vec::new() };
    for statement in &statements {
        let format = calls.check(source, statement, &literals)?;
        if debug {
            calls.call(source, statement, format, &literals);
        } else {
            blank(&mut clean, statement.range.clone());
        }
    }
    if !debug || statements.is_empty() {
        return Ok(PreparedText { text: clean, edits: Edits::default(), plan: ReportPlan::default() });
    }
    for (size, fails) in &calls.sizes {
        let words: String = (0..*size).fold(String::new(), |list, i| list + &format!(", w{i}: u32"));
        calls.stubs.push_str(&format!("\nfn {}{}(site: u32{words}) {{}}", calls.base, kind(*fails, *size)));
    }
    calls.edits.replace(clean.len()..clean.len(), calls.stubs);
    Ok(PreparedText {
        text: calls.edits.apply(&clean),
        edits: calls.edits,
        plan: ReportPlan { sites: calls.sites, prefix: Some(calls.base), unchecked: false },
    })
}

/// A name that does not occur in the text.
fn unused_name(text: &str) -> String {
    let mut name = "avx_debug".to_owned();
    while text.contains(&name) {
        name.push('_');
        name.push('x');
    }
    name
}

/// Replaces each byte of a range by a blank. Line ends stay.
fn blank(text: &mut String, range: Range<usize>) {
    let mut blanks = String::new();
    comments::push_blanks(&mut blanks, text.get(range.clone()).unwrap_or(""));
    text.replace_range(range, &blanks);
}

/// Finds all printf and assert statements in a text without comments and strings.
fn find(source: Source<'_>, text: &str, literals: &[StringLiteral]) -> Result<Vec<ReportStatement>> {
    let tokens: Vec<RangedToken<'_>> = Tokens::new(text).collect();
    let token = |at: usize| tokens.get(at).map(|(token, _)| *token);
    let declares = |word| matches!(word, "fn" | "alias" | "struct" | "let" | "var" | "const" | "override");
    // A declaration of the same name in the text takes precedence.
    let declared = |name| {
        (1..tokens.len()).any(|at| token(at) == Some(Token::Word(name)) && matches!(token(at - 1), Some(Token::Word(w)) if declares(w)))
    };
    let ours: Vec<&str> = ["printf", "assert"].into_iter().filter(|name| !declared(name)).collect();
    let mut statements = Vec::new();
    let mut at = 0;
    while let Some((found, place)) = tokens.get(at) {
        at += 1;
        let Token::Word(name) = *found else { continue };
        if !ours.contains(&name) || token(at) != Some(Token::Mark('(')) {
            continue;
        }
        let starts = matches!(at.checked_sub(2).and_then(token), Some(Token::Mark(';' | '{' | '}' | ':')));
        if !starts {
            let message = format!("{name} is a statement of its own and has no value");
            return Err(source.error(ErrorKind::Compile, &message, &[SpanLabel { range: place.clone(), text: String::new() }], &[]));
        }
        let (parts, end) = split(&tokens, at).ok_or_else(|| source.error_at(place.start, "this call is not closed"))?;
        let Some((_, close)) = tokens.get(end) else { continue };
        let inside = tokens.get(at).map_or(place.end, |(_, open)| open.end);
        // The literals are sorted by position.
        let string = |part: &Range<usize>| {
            let position = literals.binary_search_by_key(&part.start, |literal| literal.range.start).ok()?;
            literals.get(position).filter(|literal| literal.range == *part).map(|_| position)
        };
        let mut rest = parts.into_iter();
        let condition = match name {
            "assert" => Some(rest.next().ok_or_else(|| source.error_at(place.start, "assert takes a condition: assert(i < n)"))?),
            _ => None,
        };
        let format = rest.next();
        let position = format.as_ref().and_then(string);
        if position.is_none() && (condition.is_none() || format.is_some()) {
            let (shape, what) = match name {
                "assert" => ("assert(i < n, \"i is %u\", i)", "second"),
                _ => ("printf(\"i is %u\", i)", "first"),
            };
            let message = format!("the {what} argument of {name} is a string in quotes: {shape}");
            let range = format.unwrap_or_else(|| place.clone());
            return Err(source.error(ErrorKind::Compile, &message, &[SpanLabel { range, text: String::new() }], &[]));
        }
        let values: Vec<Range<usize>> = rest.collect();
        if let Some(range) = values.iter().find(|value| string(value).is_some()) {
            let label = SpanLabel { range: range.clone(), text: String::new() };
            return Err(source.error(ErrorKind::Compile, "a string is not a value: a kernel has strings only as formats", &[label], &[]));
        }
        if statements.len() >= MAX_STATEMENTS {
            let message = format!("more than {MAX_STATEMENTS} printf and assert statements; the limit is {MAX_STATEMENTS}");
            return Err(source.error_at(place.start, &message));
        }
        statements.push(ReportStatement { range: place.start..close.end, inside, condition, format: position, values });
        at = end + 1;
    }
    Ok(statements)
}

/// The arguments of the call whose `(` is token `open`, and the index of the token that closes the call.
fn split(tokens: &[RangedToken<'_>], open: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let (mut parts, mut commas) = (Vec::new(), Vec::new());
    // The open brackets. For each bracket, the list has the `<` that may start a template list, as the number of commas before it.
    let mut levels: Vec<Vec<usize>> = Vec::new();
    let mut end = None;
    for (at, (token, _)) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Mark('(' | '[') => levels.push(Vec::new()),
            Token::Mark(')' | ']') => {
                levels.pop();
                if levels.is_empty() {
                    end = Some(at);
                    break;
                }
            }
            Token::Mark(';' | '{' | '}') => return None,
            Token::Mark('<') if matches!(tokens.get(at - 1), Some((Token::Word(_), _))) => levels.last_mut()?.push(commas.len()),
            Token::Mark('>') => {
                // The commas since the `<` belong to the template list.
                if let Some(before) = levels.last_mut()?.pop() {
                    commas.truncate(before);
                }
            }
            Token::Mark('&' | '|') if matches!(tokens.get(at + 1), Some((next, _)) if next == token) => levels.last_mut()?.clear(),
            Token::Mark(',') if levels.len() == 1 => commas.push(at),
            _ => {}
        }
    }
    let end = end?;
    let mut first = open + 1;
    for stop in commas.into_iter().chain([end]) {
        let (start, last) = (tokens.get(first), stop.checked_sub(1).and_then(|last| tokens.get(last)));
        match (start, last) {
            (Some((_, start)), Some((_, last))) if first < stop => parts.push(start.start..last.end),
            // The argument is empty after a trailing comma, and in a call without arguments.
            _ if stop == end => {}
            _ => return None,
        }
        first = stop + 1;
    }
    Some((parts, end))
}

/// The calls that replace statements.
struct Calls {
    /// The prefix of the names of added functions.
    base: String,
    edits: Edits,
    /// The text of the added functions.
    stubs: String,
    sites: Vec<ReportSite>,
    /// The empty functions that are needed: the number of words, and whether the function belongs to an assertion.
    sizes: Vec<(u32, bool)>,
}

impl Calls {
    /// Checks the format and the number of values of a statement.
    fn check(&self, source: Source<'_>, statement: &ReportStatement, literals: &[StringLiteral]) -> Result<Option<Format>> {
        let Some(literal) = statement.format.and_then(|position| literals.get(position)) else { return Ok(None) };
        let format = Format::parse(&literal.text).map_err(|mistake| source.error_at(literal.place(mistake.at), &mistake.message))?;
        let values = format.values();
        let (wanted, given) = (values.len(), statement.values.len());
        if wanted != given {
            let range = statement.values.get(wanted).unwrap_or(&literal.range).clone();
            let message = format!("the format has {wanted} specifiers, and {given} values follow it");
            let text = if given > wanted { "the format has none for this" } else { "more specifiers than values" };
            return Err(source.error(ErrorKind::Compile, &message, &[SpanLabel { range, text: text.into() }], &[]));
        }
        let words: u32 = values.iter().map(|value| value.words()).sum();
        if words > MAX_WORDS {
            return Err(self.too_long(source, literal, words));
        }
        Ok(Some(format))
    }

    fn too_long(&self, source: Source<'_>, literal: &StringLiteral, words: u32) -> Error {
        let message = format!("one statement prints {MAX_WORDS} numbers at most, 64-bit ones counting twice, and this prints {words}");
        source.error(ErrorKind::Compile, &message, &[SpanLabel { range: literal.range.clone(), text: String::new() }], &[])
    }

    /// Replaces a statement by a call.
    fn call(&mut self, source: Source<'_>, statement: &ReportStatement, format: Option<Format>, literals: &[StringLiteral]) {
        let site = self.sites.len();
        let values = format.as_ref().map(Format::values).unwrap_or_default();
        let name = format!("{}_{site}", self.base);
        self.edits.replace(statement.range.start..statement.inside, format!("{name}("));
        let literal = statement.format.and_then(|position| literals.get(position)).map(|literal| literal.range.clone());
        let mut gap = statement.inside;
        if let Some(condition) = &statement.condition {
            self.wrap(condition, "bool");
            gap = condition.end;
        }
        if let Some(literal) = literal {
            // The format is removed, with the comma before or after it.
            let end = statement.values.first().map_or(literal.end, |first| first.start);
            let comma = if statement.condition.is_some() && !statement.values.is_empty() { ", " } else { "" };
            self.edits.replace(gap..end, comma);
            if statement.values.is_empty() {
                // A trailing comma may follow the format.
                self.edits.replace(end..statement.range.end - 1, "");
            }
        }
        for (range, value) in statement.values.iter().zip(&values) {
            self.wrap(range, &type_name(*value));
        }
        self.stub(&name, statement, &values);
        let condition = statement.condition.clone().and_then(|range| source.text.get(range));
        let kind = match (condition, format) {
            (Some(condition), format) => SiteKind::Assert { condition: one_line(condition), format },
            (None, format) => SiteKind::Print(format.unwrap_or_default()),
        };
        self.sites.push(ReportSite { kind, values, place: Some(source.position(statement.range.start)) });
    }

    /// Wraps an argument in a conversion to `ty`.
    fn wrap(&mut self, range: &Range<usize>, ty: &str) {
        self.edits.replace(range.start..range.start, format!("{ty}("));
        self.edits.replace(range.end..range.end, ")");
    }

    /// Adds the function that a statement calls.
    fn stub(&mut self, name: &str, statement: &ReportStatement, values: &[ValueShape]) {
        let (mut parameters, mut words, mut size) = (Vec::new(), String::new(), 0);
        if statement.condition.is_some() {
            parameters.push("ok: bool".to_owned());
        }
        for (i, value) in values.iter().enumerate() {
            parameters.push(format!("v{i}: {}", type_name(*value)));
            for component in 0..value.count {
                let part = match value.count {
                    1 => format!("v{i}"),
                    _ => format!("v{i}[{component}]"),
                };
                // Writing to a string cannot fail.
                let _ = match value.wire {
                    WireType::U32 => write!(words, ", {part}"),
                    WireType::I32 | WireType::F32 => write!(words, ", bitcast<u32>({part})"),
                    WireType::U64 => write!(words, ", u32({part}), u32({part} >> 32u)"),
                    WireType::I64 => write!(words, ", u32(bitcast<u64>({part})), u32(bitcast<u64>({part}) >> 32u)"),
                };
            }
            size += value.words();
        }
        let fails = statement.condition.is_some();
        if !self.sizes.contains(&(size, fails)) {
            self.sizes.push((size, fails));
        }
        let condition = if fails { "if (!ok) " } else { "" };
        let (base, kind, site) = (&self.base, kind(fails, size), self.sites.len());
        let call = format!("\nfn {name}({}) {{ {condition}{{ {base}{kind}({site}u{words}); }} }}", parameters.join(", "));
        self.stubs.push_str(&call);
    }
}

/// The suffix of the name of an empty function.
fn kind(fails: bool, size: u32) -> String {
    format!("_{}_{size}", if fails { "fail" } else { "emit" })
}

/// The WGSL type that a value is converted to.
fn type_name(value: ValueShape) -> String {
    let scalar = match value.wire {
        WireType::I32 => "i32",
        WireType::U32 => "u32",
        WireType::I64 => "i64",
        WireType::U64 => "u64",
        WireType::F32 => "f32",
    };
    if value.count > 1 { format!("vec{}<{scalar}>", value.count) } else { scalar.to_owned() }
}

/// The text of a condition for messages, on one line and cut to a maximum length.
fn one_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > 120 {
        line.truncate(line.floor_char_boundary(117));
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests;
