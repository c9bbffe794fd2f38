//! Evaluation of simple constant expressions in WGSL text, for the scan before the compiler. It computes the length of an array from
//! numbers, arithmetic, conversions and other constants.

use crate::compile::text::token::{Placed, Token};

/// A value. `None` means unknown. A value that is too large is `u64::MAX`.
pub(crate) type ConstValue = Option<u64>;

/// Evaluates the expression `tokens`. `constant` returns the value of a name.
pub(crate) fn evaluate(tokens: &[Placed<'_>], constant: &dyn Fn(&str) -> ConstValue) -> ConstValue {
    let mut parser = Parser { tokens, at: 0, constant };
    let value = parser.binary(0)?;
    (parser.at == tokens.len()).then_some(value)
}

/// A recursive-descent evaluator. The recursion is as deep as brackets nest, which the scan has already limited.
struct Parser<'t, 'a> {
    /// The expression.
    tokens: &'t [Placed<'a>],
    /// The next token.
    at: usize,
    /// Returns the value of a name.
    constant: &'t dyn Fn(&str) -> ConstValue,
}

impl Parser<'_, '_> {
    /// The next token.
    fn peek(&self) -> Option<Token<'_>> {
        self.tokens.get(self.at).map(|&(token, _)| token)
    }

    /// Consumes the next token if it is this character.
    fn take(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    /// The binary operator that comes next: its character, its precedence and its number of tokens.
    fn operator(&self) -> Option<(char, u32, usize)> {
        let Some(Token::Mark(mark)) = self.peek() else { return None };
        let doubled = matches!(self.tokens.get(self.at + 1), Some(&(Token::Mark(next), _)) if next == mark);
        match mark {
            '*' | '/' | '%' => Some((mark, 6, 1)),
            '+' | '-' => Some((mark, 5, 1)),
            '<' | '>' if doubled => Some((mark, 4, 2)),
            '&' if !doubled => Some((mark, 3, 1)),
            '^' => Some((mark, 2, 1)),
            '|' if !doubled => Some((mark, 1, 1)),
            _ => None,
        }
    }

    /// Evaluates an expression whose operators have the precedence `lowest` or higher.
    fn binary(&mut self, lowest: u32) -> ConstValue {
        let mut value = self.unary()?;
        while let Some((mark, rank, length)) = self.operator().filter(|&(_, rank, _)| rank >= lowest) {
            self.at += length;
            let right = self.binary(rank + 1)?;
            let shift = u32::try_from(right).ok();
            value = match mark {
                '*' => value.saturating_mul(right),
                '/' => value.checked_div(right)?,
                '%' => value.checked_rem(right)?,
                '+' => value.saturating_add(right),
                '-' => value.checked_sub(right)?,
                '<' => {
                    if value == 0 {
                        0
                    } else {
                        shift.filter(|&by| by <= value.leading_zeros()).map_or(u64::MAX, |by| value << by)
                    }
                }
                '>' => shift.and_then(|by| value.checked_shr(by)).unwrap_or(0),
                '&' => value & right,
                '^' => value ^ right,
                _ => value | right,
            };
        }
        Some(value)
    }

    /// Evaluates a number, a name, a call or a bracketed expression.
    fn unary(&mut self) -> ConstValue {
        if self.take('(') {
            let value = self.binary(0)?;
            return self.take(')').then_some(value);
        }
        let (token, _) = *self.tokens.get(self.at)?;
        self.at += 1;
        match token {
            Token::Number(text) => number(text),
            Token::Word(name) if self.take('(') => {
                let mut arguments = vec![self.binary(0)?];
                while self.take(',') {
                    arguments.push(self.binary(0)?);
                }
                let known = self.take(')');
                match (name, arguments.as_slice()) {
                    ("u32" | "i32" | "abs", &[value]) if known => Some(value),
                    ("min", &[a, b]) if known => Some(a.min(b)),
                    ("max", &[a, b]) if known => Some(a.max(b)),
                    _ => None,
                }
            }
            Token::Word(name) => (self.constant)(name),
            Token::Mark(_) => None,
        }
    }
}

/// The value of a WGSL number. The fraction is truncated.
fn number(text: &str) -> ConstValue {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let digits = digits.trim_end_matches(['u', 'i', 'l']);
    if let Ok(value) = u64::from_str_radix(digits, radix) {
        return Some(value);
    }
    if !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix)) {
        return Some(u64::MAX);
    }
    if radix == 16 {
        return None;
    }
    let value: f64 = digits.trim_end_matches(['f', 'h']).parse().ok()?;
    // A cast of a float to an integer saturates.
    (value >= 0.0).then_some(value as u64)
}
