//! Rewrites the compiler's messages in the terms of WGSL. The compiler prints types, operators and rules by the names in its own source
//! code.

/// The message in the terms of WGSL.
pub(super) fn rewrite(message: &str) -> String {
    let text = rewrite_types(&without_handles(message));
    rewrite_rule(&text).unwrap_or(text)
}

/// The compiler's names for scalars.
const SCALARS: [(&str, &str); 16] = [
    ("Sint, width: 2", "i16"),
    ("Sint, width: 4", "i32"),
    ("Sint, width: 8", "i64"),
    ("Uint, width: 2", "u16"),
    ("Uint, width: 4", "u32"),
    ("Uint, width: 8", "u64"),
    ("Float, width: 2", "f16"),
    ("Float, width: 4", "f32"),
    ("Float, width: 8", "f64"),
    ("Bool, width: 1", "bool"),
    ("AbstractInt, width: 8", "an integer without a type"),
    ("AbstractFloat, width: 8", "a float without a type"),
    ("Sint, width: 1", "i8"),
    ("Uint, width: 1", "u8"),
    ("Bool, width: 4", "bool"),
    ("Float, width: 1", "f8"),
];

/// The compiler's names for numbers of components.
const SIZES: [(&str, &str); 3] = [("Bi", "2"), ("Tri", "3"), ("Quad", "4")];

/// The compiler's names for operators.
const OPERATORS: [(&str, &str); 18] = [
    ("Add", "+"),
    ("Subtract", "-"),
    ("Multiply", "*"),
    ("Divide", "/"),
    ("Modulo", "%"),
    ("Equal", "=="),
    ("NotEqual", "!="),
    ("Less", "<"),
    ("LessEqual", "<="),
    ("Greater", ">"),
    ("GreaterEqual", ">="),
    ("And", "&"),
    ("ExclusiveOr", "^"),
    ("InclusiveOr", "|"),
    ("LogicalAnd", "&&"),
    ("LogicalOr", "||"),
    ("ShiftLeft", "<<"),
    ("ShiftRight", ">>"),
];

/// Replaces the compiler's names of types by WGSL's.
fn rewrite_types(message: &str) -> String {
    let mut text = message.to_owned();
    if !text.contains("{ kind: ") && !text.contains("Pointer {") && !text.contains("Struct {") && !text.contains("Array {") {
        return text;
    }
    for (kind, name) in SCALARS {
        text = text.replace(&format!("Scalar {{ kind: {kind} }}"), name);
    }
    for (_, name) in SCALARS {
        text = text.replace(&format!("Atomic({name})"), &format!("atomic<{name}>")).replace(&format!("Scalar({name})"), name);
        for (size, count) in SIZES {
            text = text.replace(&format!("Vector {{ size: {size}, scalar: {name} }}"), &format!("vec{count}<{name}>"));
            for (rows, height) in SIZES {
                let matrix = format!("Matrix {{ columns: {size}, rows: {rows}, scalar: {name} }}");
                text = text.replace(&matrix, &format!("mat{count}x{height}<{name}>"));
            }
        }
    }
    for (start, name) in [("ValuePointer {", "a pointer"), ("Pointer {", "a pointer"), ("Struct {", "a struct"), ("Array {", "an array")] {
        text = without_bodies(&text, start, name);
    }
    text
}

/// Replaces each occurrence of `start`, up to the matching closing brace, by `name`.
fn without_bodies(text: &str, start: &str, name: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(start) {
        let body = &rest[at + start.len()..];
        let mut depth = 1;
        let end = body.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let Some(end) = end else { break };
        out.push_str(&rest[..at]);
        out.push_str(name);
        rest = &body[end + 1..];
    }
    out + rest
}

/// The text between two delimiters.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// A new message for a violated rule. `None` if the compiler's message is clear.
fn rewrite_rule(text: &str) -> Option<String> {
    if let Some(name) = between(text, "Operation ", " can't work with ") {
        let (_, operands) = text.split_once(" can't work with ")?;
        let operator = OPERATORS.iter().find(|(own, _)| *own == name).map_or(name, |(_, sign)| sign);
        let operands = operands.replace("(of type ", "").replace(')', "");
        return Some(format!(
            "`{operator}` cannot be applied to {operands}: both sides must have the same type; convert one, as in u32(x)"
        ));
    }
    if let Some(own) = between(text, "Type flags TypeFlags(", ")") {
        let wanted = between(text, "the required TypeFlags(", ")")?;
        let lacks = |flag: &str| wanted.split(" | ").any(|one| one == flag) && !own.split(" | ").any(|one| one == flag);
        return Some(
            match () {
                () if lacks("HOST_SHAREABLE") => "the type has no layout in memory that the host shares: bool has none, use u32",
                () if lacks("SIZED") => "an array without a size is not allowed here",
                () if lacks("CONSTRUCTIBLE") => "the type cannot be constructed: atomics and arrays without a size cannot",
                () if lacks("COPY") => "the type cannot be copied",
                () if lacks("ARGUMENT") => "the type cannot be an argument",
                () => "the type is not allowed here",
            }
            .into(),
        );
    }
    if let (Some(name), true) = (between(text, "Argument '", "'"), text.contains("is a pointer of space")) {
        let space = between(text, "is a pointer of space ", ",").unwrap_or("").split([' ', '{']).next().unwrap_or("").to_lowercase();
        return Some(format!(
            "argument '{name}' is a pointer to {space} memory, and functions accept only pointers to function and private variables: use \
             the variable itself in the function"
        ));
    }
    if text.starts_with("The `return` expression None") {
        return Some("the function ends or returns without a value, and it is declared to have one".into());
    }
    if text.starts_with("The `return` expression") {
        return Some("the value that is returned is not of the type that the function is declared to have".into());
    }
    if let Some(name) = between(text, "Built-in ", " is not available at this stage") {
        let name = name.split([' ', '{', '(']).next().unwrap_or(name);
        return Some(format!("the built-in value {name} is not available in a compute kernel"));
    }
    if text.starts_with("Entry point arguments and return values must all have bindings") {
        return Some(
            "a compute entry point accepts only built-in values (such as @builtin(global_invocation_id) id: vec3<u32>) and returns nothing"
                .into(),
        );
    }
    if text.starts_with("The pointer doesn't relate to a valid destination for a store") {
        return Some("this cannot be written: a storage buffer can be written if it is declared as var<storage, read_write>".into());
    }
    if let Some(field) = between(text, "Field '", "' can't be dynamically-sized") {
        return Some(format!("member '{field}' is an array without a size, and only the last member of a struct may be one"));
    }
    if text.starts_with("Alignment requirements for address space") {
        return Some("in uniform buffers the elements of arrays and the starts of structs must be a multiple of 16 bytes apart: use vec4, or a storage buffer".into());
    }
    let at = |start: &str, end: &str| text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    if let Some(name) = at("Entry point ", " at Compute is invalid") {
        return Some(format!("in the entry point {name}"));
    }
    if let Some(name) = at("Function '", "' is invalid") {
        return Some(format!("in the function {name}"));
    }
    at("Global variable '", "' is invalid").map(|name| format!("in the variable {name}"))
}

/// The message without the compiler's handle numbers, such as the `[3]` in "Function \[3\] 'f' is invalid".
fn without_handles(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(" [") {
        let (before, after) = rest.split_at(start);
        out.push_str(before);
        let end = after.find(']').unwrap_or(0);
        let number = after.get(2..end).is_some_and(|inner| !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit()));
        let (dropped, next) = after.split_at(if number { end + 1 } else { 2 });
        if !number {
            out.push_str(dropped);
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

/// Whether a note has no information.
pub(super) fn is_redundant(note: &str) -> bool {
    ["Expression is invalid", "Argument 0 varying error", "see msg"].contains(&note.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::testing::compile;

    #[test]
    fn types_are_those_of_the_language() {
        for (theirs, ours) in [
            ("Scalar(Scalar { kind: Sint, width: 4 })", "i32"),
            ("Vector { size: Tri, scalar: Scalar { kind: Float, width: 2 } }", "vec3<f16>"),
            ("Matrix { columns: Bi, rows: Quad, scalar: Scalar { kind: Float, width: 4 } }", "mat2x4<f32>"),
            ("Atomic(Scalar { kind: Uint, width: 8 })", "atomic<u64>"),
            ("of Struct { members: [StructMember { name: Some(\"a\") }], span: 4 }, here", "of a struct, here"),
            ("nothing of that", "nothing of that"),
            ("Array { base: open", "Array { base: open"),
        ] {
            assert_eq!(rewrite_types(theirs), ours);
        }
    }

    /// Common mistakes. Each case has a text that the message must contain. No message may contain the compiler's internal names.
    #[test]
    fn common_mistakes_are_reported_in_terms_of_wgsl() {
        let with = |body: &str| format!("@compute @workgroup_size(1) fn main() {{ {body} }}");
        let buffer = "@group(0) @binding(0) var<storage, read_write> b: array<u32>;";
        for (source, told) in [
            (with("for (var i = 0; i < 3u; i++) {}"), "`<` cannot be applied to i32 and u32"),
            (with("let a = vec3(1.0f); var b = vec2(1.0f); let c = b + a;"), "vec2<f32> and vec3<f32>"),
            (
                format!("fn f(p: ptr<storage, array<u32>, read_write>) {{ (*p)[0] = 1u; }} {buffer} {}", with("f(&b);")),
                "'p' is a pointer to storage memory",
            ),
            (format!("@group(0) @binding(0) var<storage, read_write> b: array<bool>; {}", with("b[0] = true;")), "bool has none"),
            (format!("@group(0) @binding(0) var<storage, read> b: array<u32>; {}", with("b[0] = 1u;")), "var<storage, read_write>"),
            (format!("struct S {{ a: array<f32>, b: u32 }} @group(0) @binding(0) var<storage, read> b: S; {}", with("")), "member 'a'"),
            (format!("@group(0) @binding(0) var<uniform> b: array<f32, 4>; {}", with("_ = b[0];")), "multiple of 16"),
            (format!("fn f() -> u32 {{ }} {}", with("_ = f();")), "without a value"),
            (
                "@compute @workgroup_size(1) fn main(@builtin(position) p: vec4<f32>) { }".into(),
                "Position is not available in a compute kernel",
            ),
            ("@compute @workgroup_size(1) fn main(x: u32) { }".into(), "only built-in values"),
            (format!("fn f(a: u32) {{ let x = a + 1i; }} {}", with("f(1u);")), "in the function f"),
        ] {
            let message = compile(&source).expect_err(&source).message;
            assert!(message.contains(told), "{source}\n{message}");
            for own in ["Scalar", "TypeFlags", "StorageAccess", "at Compute", "Some(", "kind:", "Expression is invalid"] {
                assert!(!message.contains(own), "{own}\n{message}");
            }
        }
    }
}
