//! Texts that crash glslang, and the process with it. Each case was found by mutating valid texts, with glslang 12 unless a later version
//! is named. All of these texts are invalid, or can be written in another way.

use std::collections::HashSet;

use crate::compile::base::error::Result;
use crate::compile::text::diagnose::Source;
use crate::compile::text::token::{Placed, Token};

/// The functions whose first argument must be a location in memory.
const ATOMICS: [&str; 10] = [
    "atomicAdd",
    "atomicMin",
    "atomicMax",
    "atomicAnd",
    "atomicOr",
    "atomicXor",
    "atomicExchange",
    "atomicCompSwap",
    "atomicLoad",
    "atomicStore",
];

/// Rejects the texts that crash glslang. `tokens` are the tokens of `source`.
pub(super) fn check(source: Source<'_>, tokens: &[Placed<'_>]) -> Result<()> {
    let mut blocks = HashSet::new();
    let mut depth = 0_usize;
    for (position, &(token, at)) in tokens.iter().enumerate() {
        let before = |back: usize| position.checked_sub(back).and_then(|position| tokens.get(position)).map(|&(token, _)| token);
        match (token, before(1)) {
            (Token::Mark('{'), Some(Token::Word(name))) if depth == 0 && before(2) != Some(Token::Word("struct")) => {
                blocks.insert(name);
            }
            _ => {}
        }
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        let Token::Word(word) = token else { continue };
        let rest = tokens.get(position + 1..).unwrap_or(&[]);
        let declares = matches!(before(1), Some(Token::Word(_) | Token::Mark(']')))
            && matches!(rest.first(), Some((Token::Mark('[' | '=' | ';' | ','), _)));
        let message = match word {
            _ if ATOMICS.contains(&word) && !names_a_place(rest) => {
                format!("the first argument of {word} must name a place in a buffer or in shared memory and cannot be another expression")
            }
            _ if depth == 0 && declares && blocks.contains(word) => format!("{word} is the name of a block already"),
            "const" if is_block(rest) => "a block cannot be const".to_owned(),
            _ => continue,
        };
        return Err(source.error_at(at, &message));
    }
    Ok(())
}

/// Whether the first argument of the call that follows consists of names, members and indices only.
fn names_a_place(call: &[Placed<'_>]) -> bool {
    let Some(((Token::Mark('('), _), arguments)) = call.split_first() else { return true };
    let (mut indices, mut brackets) = (0_usize, 0_usize);
    let mut before = Token::Mark('(');
    for &(token, _) in arguments {
        match token {
            Token::Mark('[') => indices += 1,
            Token::Mark(']') => indices = indices.saturating_sub(1),
            _ if indices > 0 => {}
            // A bracket after a name is a call.
            Token::Mark('(') if matches!(before, Token::Mark('(')) => brackets += 1,
            Token::Mark(')') if brackets > 0 => brackets -= 1,
            Token::Mark(',' | ')') => return brackets == 0,
            Token::Mark('.') | Token::Word(_) => {}
            Token::Mark(_) | Token::Number(_) => return false,
        }
        before = token;
    }
    true
}

/// Whether these tokens continue the declaration of a block: names and layouts, and then members that are not those of a struct.
fn is_block(rest: &[Placed<'_>]) -> bool {
    let mut open = 0_usize;
    for &(token, _) in rest {
        match token {
            Token::Mark('(') => open += 1,
            Token::Mark(')') if open == 0 => return false,
            Token::Mark(')') => open -= 1,
            Token::Word("struct") | Token::Mark(';' | '=') if open == 0 => return false,
            Token::Mark('{') => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::text::prescan;

    fn fine(text: &str) -> bool {
        let source = Source { text, label: "test", map: None };
        check(source, &prescan::shape(source, text).expect("small")).is_ok()
    }

    #[test]
    fn atomics_take_places() {
        for argument in ["a", "a.b", "a[i + 1u]", "a.b[f(2, 3)].c", "(a[1])", "((a).b)"] {
            assert!(fine(&format!("void main() {{ atomicAdd({argument}, 1u); }}")), "{argument}");
        }
        for argument in ["a + 1u", "a = 2u", "f(1)", "R(x).v", "-a", "a ? a : b", "1u", "(a = b)", "a++"] {
            assert!(!fine(&format!("void main() {{ atomicMax({argument}, 1u); }}")), "{argument}");
        }
        assert!(fine("void main() { atomicOr(a, b + c); } void f(uint atomicAdd) { }"));
    }

    #[test]
    fn names_of_blocks_are_no_variables() {
        let block = "layout(binding = 0) buffer B { uint x; } b; ";
        for text in ["const uint B[2] = uint[](1u, 2u);", "const uint[2] B = uint[](1u, 2u);", "uint B;"] {
            assert!(!fine(&format!("{block}{text}")), "{text}");
        }
        for text in ["B f(B x, B[2] y) { B z = x; return z; }", "void f() { uint B[2]; uint B = 1u; }", "struct S { B next; uint B; };"] {
            assert!(fine(&format!("{block}{text}")), "{text}");
        }
    }

    #[test]
    fn blocks_are_not_const() {
        assert!(!fine("const layout(binding = 0) buffer B { uint x; } b;"));
        assert!(!fine("const uniform B { uint x; } b;"));
        assert!(fine("const uint x[2] = { 1u, 2u }; void f(const uint a) { } const struct S { uint a; } s = S(1u);"));
    }
}
