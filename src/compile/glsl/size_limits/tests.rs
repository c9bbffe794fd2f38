//! Each limit, just below and just above.

use super::*;
use crate::compile::text::prescan;
use std::fmt::Write as _;

fn checked(text: &str) -> std::result::Result<(), String> {
    let source = Source { text, label: "test", map: None };
    check(source, &prescan::shape(source, text).expect("not for its shape")).map_err(|error| error.message)
}

#[track_caller]
fn refused(text: &str, words: &str) {
    let message = checked(text).expect_err("too much");
    assert!(message.contains(words), "{message}");
}

fn repeat(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        let _ = write!(text, "{}", one(i));
        text
    })
}

#[test]
fn types_that_double_are_bounded() {
    let doubling = |count| format!("struct S0 {{ float x; }};{}", repeat(count, |i| format!("struct S{} {{ S{i} a, b; }};", i + 1)));
    assert_eq!(checked(&doubling(16)), Ok(()));
    refused(&doubling(17), "S17 has more than");
    refused(&doubling(64), "has more than");
    refused(&format!("{} void main() {{ {} }}", doubling(14), "S14 s;".repeat(2000)), "in all");
    refused(&format!("{} void main() {{ S14 s; {} }}", doubling(14), "f(s);".repeat(2000)), "in all");
    refused(&format!("struct A {{ struct {{ {} }} a, b; }};", "float x; ".repeat(40_000)), "more than");
}

#[test]
fn constants_and_their_uses_are_bounded() {
    let table = |count| format!("const uint t[] = uint[]({});", vec!["1u"; count].join(","));
    assert_eq!(checked(&format!("{} void main() {{ {} }}", table(2048), "a = t[i];".repeat(500))), Ok(()));
    refused(&format!("{} void main() {{ {} }}", table(2048), "a = t[i];".repeat(520)), "make t a buffer");
    refused(&table(70_000), "the constant t");
    let chain = repeat(400, |i| format!("const S s{} = S(s{i});", i + 1));
    refused(&format!("const S s0 = S({}); {chain}", vec!["1"; 4000].join(",")), "copy more than");
    assert_eq!(
        checked("const float a[4] = float[](1.0, 2.0, 3.0, 4.0); void f(const float b, const S s) { const int c = 1, d = 2; }"),
        Ok(())
    );
}

#[test]
fn empty_lists_stand_for_no_constants() {
    assert_eq!(checked("void main() { float a[9] = {}; if (b) { {} } else {} for (;;) {} }"), Ok(()));
    refused("const float a[1000000000] = {};", "write the values out");
    refused("float a[2][1000000000] = { {}, {} };", "write the values out");
}

#[test]
fn functions_cases_and_blocks_are_counted() {
    let functions = |count| repeat(count, |i| format!("void f{i}() {{ }}"));
    let overloads = |count| repeat(count, |i| format!("float f(vec4 a[{i}]) {{ return vec4(1).x; }} const vec4 c = vec4(1);"));
    assert_eq!(checked(&overloads(MAX_OVERLOADS)), Ok(()));
    refused(&overloads(MAX_OVERLOADS + 1), "called f");
    assert_eq!(checked(&functions(MAX_FUNCTIONS)), Ok(()));
    refused(&functions(MAX_FUNCTIONS + 1), "functions");
    let cases = |count| format!("void main() {{ switch (a) {{ {} }} }}", repeat(count, |i| format!("case {i}: break;")));
    assert_eq!(checked(&cases(MAX_CASES)), Ok(()));
    refused(&cases(MAX_CASES + 1), "cases");
    refused(&format!("void main() {}", "{".repeat(MAX_BLOCKS + 1)), "blocks nest");
}
