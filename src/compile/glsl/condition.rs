//! Evaluation of the conditions of `#if` and `#elif`.

use super::flat_text::TokenSpan;
use super::lex::LexemeKind;
use super::macros::{PpToken, PreprocessError, TokenTexts, error_at};

/// The deepest nesting of brackets and unary operators.
const MAX_DEPTH: usize = 64;

/// The value of a condition. Its macros are already expanded, and each `defined` is already a number. Any name that is left has the value
/// 0.
pub(super) fn value(tokens: &[PpToken], texts: &TokenTexts, at: TokenSpan) -> Result<i64, PreprocessError> {
    let mut reader = Reader { tokens, texts, next: 0, at };
    let value = reader.binary(0, 0)?;
    match tokens.get(reader.next) {
        None => value.map_or_else(|| error_at(at, "the condition divides by zero"), Ok),
        Some(token) => error_at(token.place, format!("the condition ends before this {}", texts.of(token))),
    }
}

/// A recursive-descent evaluator.
struct Reader<'t> {
    /// The tokens of the condition.
    tokens: &'t [PpToken],
    /// The texts of the tokens.
    texts: &'t TokenTexts,
    /// The index of the next token.
    next: usize,
    /// The span of the directive.
    at: TokenSpan,
}

/// The precedence of a binary operator. A higher number binds tighter.
fn tightness(operator: &str) -> Option<usize> {
    Some(match operator {
        "||" => 1,
        "&&" => 2,
        "|" => 3,
        "^" => 4,
        "&" => 5,
        "==" | "!=" => 6,
        "<" | ">" | "<=" | ">=" => 7,
        "<<" | ">>" => 8,
        "+" | "-" => 9,
        "*" | "/" | "%" => 10,
        _ => return None,
    })
}

/// The result of a binary operator; `None` for a division by zero.
fn apply(operator: &str, a: i64, b: i64) -> Option<i64> {
    Some(match operator {
        "||" => i64::from(a != 0 || b != 0),
        "&&" => i64::from(a != 0 && b != 0),
        "|" => a | b,
        "^" => a ^ b,
        "&" => a & b,
        "==" => i64::from(a == b),
        "!=" => i64::from(a != b),
        "<" => i64::from(a < b),
        ">" => i64::from(a > b),
        "<=" => i64::from(a <= b),
        ">=" => i64::from(a >= b),
        "<<" => a.wrapping_shl(b as u32),
        ">>" => a.wrapping_shr(b as u32),
        "+" => a.wrapping_add(b),
        "-" => a.wrapping_sub(b),
        "*" => a.wrapping_mul(b),
        "/" => return a.checked_div(b),
        _ => return a.checked_rem(b),
    })
}

impl Reader<'_> {
    /// Evaluates operators with a precedence above `least`. The result is `None` for a division by zero, which is allowed only in an
    /// operand that `||` or `&&` does not need.
    fn binary(&mut self, least: usize, depth: usize) -> Result<Option<i64>, PreprocessError> {
        let mut left = self.unary(depth)?;
        while let Some(&token) = self.tokens.get(self.next) {
            let operator = self.texts.of(&token);
            let Some(tight) = tightness(operator).filter(|&tight| tight > least) else { break };
            self.next += 1;
            let right = self.binary(tight, depth + 1)?;
            left = match (operator, left, right) {
                ("||", Some(a), None) if a != 0 => Some(1),
                ("&&", Some(0), None) => Some(0),
                (_, Some(a), Some(b)) => apply(operator, a, b),
                _ => None,
            };
        }
        Ok(left)
    }

    /// Evaluates a number, a name or a bracketed expression, with unary operators before it.
    fn unary(&mut self, depth: usize) -> Result<Option<i64>, PreprocessError> {
        let Some(&token) = self.tokens.get(self.next) else { return error_at(self.at, "the condition is not complete") };
        if depth > MAX_DEPTH {
            return error_at(token.place, format!("the condition nests more than {MAX_DEPTH} levels deep"));
        }
        self.next += 1;
        let text = self.texts.of(&token);
        match (token.kind, text) {
            (LexemeKind::Word, _) => Ok(Some(0)),
            (LexemeKind::Number, _) => match number(text) {
                Some(value) => Ok(Some(value)),
                None => error_at(token.place, format!("{text} is not a whole number, and conditions allow no other numbers")),
            },
            (_, "(") => {
                let inside = self.binary(0, depth + 1)?;
                match self.tokens.get(self.next).map(|close| self.texts.of(close)) {
                    Some(")") => self.next += 1,
                    _ => return error_at(token.place, "this bracket of the condition is not closed by )"),
                }
                Ok(inside)
            }
            (_, "!") => Ok(self.unary(depth + 1)?.map(|value| i64::from(value == 0))),
            (_, "-") => Ok(self.unary(depth + 1)?.map(i64::wrapping_neg)),
            (_, "+") => self.unary(depth + 1),
            (_, "~") => Ok(self.unary(depth + 1)?.map(|value| !value)),
            _ => error_at(token.place, format!("a condition consists of whole numbers, names and operators, and {text} is none of these")),
        }
    }
}

/// The value of an integer literal.
fn number(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(['u', 'U']);
    if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        return i64::from_str_radix(hex, 16).ok();
    }
    let radix = if digits.len() > 1 && digits.starts_with('0') { 8 } else { 10 };
    i64::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::glsl::flat_text::File;

    fn of(text: &str) -> Result<i64, String> {
        let texts = TokenTexts::new(vec![File { label: String::new(), text: text.into() }]);
        let tokens = texts.tokens(0);
        value(&tokens, &texts, TokenSpan { file: 0, at: 0, length: 1 }).map_err(|error_at| error_at.message)
    }

    #[test]
    fn operators_bind_as_in_c() {
        for (text, want) in [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("10 - 4 - 3", 3),
            ("1 << 4 | 1", 17),
            ("!0 && 2 > 1 || 0", 1),
            ("-1 < 0", 1),
            ("0x10u == 16 && 010 == 8", 1),
            ("~0 & 6 ^ 1", 7),
            ("UNKNOWN", 0),
            ("7 % 4 >= 3", 1),
            ("1 || 1 / 0", 1),
            ("0 && 1 % 0", 0),
        ] {
            assert_eq!(of(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn errors_are_reported() {
        for (text, words) in [
            ("1 / 0", "zero"),
            ("1 +", "not complete"),
            ("1 2", "ends before"),
            ("(1", "not closed"),
            ("1.5", "whole number"),
            ("= 1", "and = is none of these"),
        ] {
            assert!(of(text).is_err_and(|message| message.contains(words)), "{text}");
        }
        assert!(of(&"(".repeat(100_000)).is_err_and(|message| message.contains("nests")));
        assert!(of(&"!".repeat(100_000)).is_err_and(|message| message.contains("nests")));
        assert_eq!(of(&format!("1{}", " + 1".repeat(50_000))), Ok(50_001));
    }
}
