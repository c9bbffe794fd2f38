//! The replacement of printf and assert statements, and the errors for wrong ones.

use super::*;

fn source(text: &str) -> Source<'_> {
    Source { text, label: "k", map: None }
}

fn prepared(text: &str, debug: bool) -> PreparedText {
    prepare(source(text), debug).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn refused(text: &str, place: &str, says: &str) {
    for debug in [false, true] {
        let error = prepare(source(text), debug).err().unwrap_or_else(|| panic!("it was taken: {text}"));
        assert!(error.message.contains(says) && error.message.contains(&format!("--> k:{place}\n")), "{error}");
    }
}

#[test]
fn off_they_are_blanks() {
    let text = "fn f() { printf(\"a // b %d\", /* \" */ x[1]); assert(a < b, \"no \\\" %u\",\n u); g(); }";
    let off = prepared(text, false);
    assert_eq!(off.text.len(), text.len());
    assert_eq!(off.text.split_whitespace().collect::<String>(), "fnf(){;;g();}");
    assert_eq!(off.text.find("g()"), text.find("g()"));
    assert_eq!(off.text.find('\n'), text.find('\n'));
    assert!(off.edits.apply("x") == "x" && off.plan.sites.is_empty() && off.plan.prefix.is_none());
}

#[test]
fn on_they_are_calls() {
    let text =
        "fn f() { printf(\"%d %v2f\", a, vec2<f32>(b, c),); assert(i < n,); assert(x, \"t\"); assert(y, \"%lu\", z); printf(\"\"); }";
    let on = prepared(text, true);
    let (first, stubs) = on.text.split_once('\n').expect("functions behind the text");
    assert_eq!(
        first,
        "fn f() { avx_debug_0(i32(a), vec2<f32>(vec2<f32>(b, c)),); avx_debug_1(bool(i < n),); avx_debug_2(bool(x)); \
         avx_debug_3(bool(y), u64(z)); avx_debug_4(); }"
    );
    for stub in [
        "fn avx_debug_0(v0: i32, v1: vec2<f32>) { { avx_debug_emit_3(0u, bitcast<u32>(v0), bitcast<u32>(v1[0]), bitcast<u32>(v1[1])); } }",
        "fn avx_debug_1(ok: bool) { if (!ok) { avx_debug_fail_0(1u); } }",
        "fn avx_debug_3(ok: bool, v0: u64) { if (!ok) { avx_debug_fail_2(3u, u32(v0), u32(v0 >> 32u)); } }",
        "fn avx_debug_emit_0(site: u32) {}",
        "fn avx_debug_fail_0(site: u32) {}",
        "fn avx_debug_fail_2(site: u32, w0: u32, w1: u32) {}",
    ] {
        assert!(stubs.lines().any(|line| line == stub), "{stub}\n{stubs}");
    }
    assert_eq!(on.plan.sites.len(), 5);
    assert_eq!(on.edits.back(on.text.find("i < n").expect("there")), text.find("i < n").expect("there"));
}

#[test]
fn arguments_end_at_their_own_commas() {
    for (arguments, expected) in [
        ("array<u32, 2>(1, 2)[1]", "f32(array<u32, 2>(1, 2)[1])"),
        ("vec2<vec2<u32>>(a, b).x, c", "f32(vec2<vec2<u32>>(a, b).x), f32(c)"),
        ("a < b, c", "f32(a < b), f32(c)"),
        ("f(a, b), c[g(1, 2)], (d)", "f32(f(a, b)), f32(c[g(1, 2)]), f32((d))"),
        ("a < b && c > d, e", "f32(a < b && c > d), f32(e)"),
        ("a < (b >> 2), c", "f32(a < (b >> 2)), f32(c)"),
        ("a < b, c >= d", "f32(a < b, c >= d)"),
    ] {
        let text = format!("fn f() {{ printf(\"{}\", {arguments}); }}", "%f".repeat(expected.matches("f32(").count()));
        let on = prepared(&text, true).text;
        assert!(on.starts_with(&format!("fn f() {{ avx_debug_0({expected}); }}")), "{on}");
    }
}

#[test]
fn names_that_the_text_declares_are_its_own() {
    let text = "fn printf(x: f32) {} fn f() { printf(1.0); assert(true); let assert_ = 1; }";
    let on = prepared(text, true);
    assert!(on.text.starts_with("fn printf(x: f32) {} fn f() { printf(1.0); avx_debug_0(bool(true));"), "{}", on.text);
    for text in ["const_assert 1 < 2;", "fn f() { let printf = 1; }", "// printf(\"%q\")", "fn assert() {} fn f() { assert(); }"] {
        let on = prepared(text, true);
        assert!(on.plan.sites.is_empty() && !on.text.contains("avx_debug"), "{}", on.text);
    }
    let taken = prepared("fn avx_debug_0() {} fn f() { assert(a); }", true);
    assert!(taken.text.contains("avx_debug_x_0(bool(a))"), "{}", taken.text);
}

#[test]
fn other_strings_are_left_to_the_compiler() {
    let text = "fn f() { printf(\"x\"); let y = \"abc\"; }";
    assert!(prepared(text, true).text.contains("let y = \"____; }"));
}

#[test]
fn mistakes_show_their_place() {
    refused("fn f() { printf(\"%d %q\", a); }", "1:21", "%q is not a specifier");
    refused("fn f() { printf(\"\\t%q\", a); }", "1:20", "%q is not a specifier");
    refused("fn f() {\n printf(\"%d %d\", a); }", "2:9", "2 specifiers, and 1 values follow");
    refused("fn f() { printf(\"%d\", a, b); }", "1:26", "the format has none for this");
    refused("fn f() { printf(a); }", "1:17", "a string in quotes: printf(");
    refused("fn f() { printf(); }", "1:10", "a string in quotes: printf(");
    refused("fn f() { assert(); }", "1:10", "assert takes a condition");
    refused("fn f() { assert(a, b); }", "1:20", "the second argument of assert is a string");
    refused("fn f() { printf(\"%d\", \"x\"); }", "1:23", "a string is not a value");
    refused("fn f() { let x = printf(\"a\"); }", "1:18", "printf is a statement of its own");
    refused("fn f() { printf(\"a); }", "1:17", "this string is not closed");
    refused("fn f() { printf(\"a\"; }", "1:10", "this call is not closed");
    refused("fn f() { printf(\"a\\q\"); }", "1:19", "this is not an escape");
    let statements = format!("fn f() {{ {}}}", "assert(a); ".repeat(4097));
    refused(&statements, "1:45066", "more than 4096 printf and assert statements");
    let many = format!("fn f() {{ printf(\"{}\"{}); }}", "%v4lu".repeat(8), ", a".repeat(8));
    refused(&many, "1:17", "60 numbers at most, 64-bit ones counting twice, and this prints 64");
}

#[test]
fn damaged_texts_are_refused_or_taken() {
    let text = "fn f(a: u32) { printf(\"%d %v2f\\n\", a, /* \" */ vec2<f32>(b, c)); assert(i < n, \"%u\", (i)); printf(\"é\"); } // \"";
    let mut state = 7_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let alphabet: Vec<char> = "\"\\(),;{}[]<>%v2l/* \n\u{2028}éaprintf".chars().collect();
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..=random() % 4 {
            let at = random() % chars.len();
            match random() % 3 {
                0 => drop(chars.remove(at)),
                1 => chars.insert(at, alphabet[random() % alphabet.len()]),
                _ => chars[at] = alphabet[random() % alphabet.len()],
            }
        }
        let text: String = chars.into_iter().collect();
        let (on, off) = (prepare(source(&text), true), prepare(source(&text), false));
        assert_eq!(on.is_ok(), off.is_ok(), "{text}");
        if let (Ok(on), Ok(off)) = (on, off) {
            taken += 1;
            assert_eq!(off.text.len(), text.len(), "{text}");
            assert!((0..=on.text.len()).all(|at| on.edits.back(at) <= text.len()), "{text}");
        }
    }
    assert!(taken > 1000, "{taken}");
}
