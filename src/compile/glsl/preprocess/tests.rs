//! The output of the preprocessor, and its error messages.

use super::*;
use std::fmt::Write as _;

fn predefined(_: &str, name: &str) -> Option<String> {
    match name {
        "VULKAN" => Some("100".to_owned()),
        "GL_EXT_one" => Some("1".to_owned()),
        _ => None,
    }
}

fn run(text: &str, folders: &[&str], defines: &[&str]) -> Result<FlatText, String> {
    let whole = format!("#version 450\n{text}");
    preprocess(&whole, "t", PreprocessOptions { folders, defines, predefined: &predefined }).map_err(|error| error.message)
}

/// The preprocessed text after its first line.
#[track_caller]
fn made(text: &str) -> String {
    let flat = run(text, &[], &["GIVEN", "VALUE=2+3", "TWICE(x)=x x"]).unwrap_or_else(|message| panic!("{message}\n{text}"));
    flat.text.strip_prefix("#version 450\n").expect("the version comes first").trim_end().to_owned()
}

#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let message = run(text, &[], &[]).map(|flat| flat.text).expect_err(text);
    for word in words {
        assert!(message.contains(word), "{word}\n---\n{message}");
    }
}

#[test]
fn macros_expand_as_in_c() {
    for (text, want) in [
        ("#define A 1\nA B A", "1 B 1"),
        ("#define A B\n#define B A\nA B", "A B"),
        ("#define float float\nfloat x", "float x"),
        ("#define F(x) [x]\nF(a) F F (b) F", "[ a ] F [ b ] F"),
        ("#define F(x) [x]\nF((a, b)) F()", "[ ( a , b ) ] [ ]"),
        ("#define F() 7\nF() F( )", "7 7"),
        ("#define F(x, y) x y\nF(F(1, 2), 3)", "1 2 3"),
        ("#define F(x) x\n#define G F\nG(1) F(G)(2)", "1 F ( 2 )"),
        ("#define F(x) x F\nF(1)(2)", "1 F ( 2 )"),
        ("#define CAT(a, b) a##b\n#define X 1\nCAT(X, Y) CAT(, Z) CAT(Q,) CAT(<, <=)", "XY Z Q <<="),
        ("#define CAT(a, b) a##b\n#define AB 5\nCAT(A, B) CAT(1, .5f)", "5 1.5f"),
        ("#define NEXT(a) a ## 1 ## 2\nNEXT(x)", "x12"),
        ("#define F (x)\nF", "( x )"),
        ("#define A 1\n#undef A\nA", "A"),
        ("#define A 1\n#undef A\n#define A 2\n#define A 2 // again\nA", "2"),
        ("#define F(x) x ## 1\n#define F(y) y##1\nF(a)", "a1"),
        ("GIVEN VALUE TWICE(q)", "1 2 + 3 q q"),
        ("__LINE__ __VERSION__ __FILE__", "2 450 0"),
        ("#define LONG(x) \\\n  x + \\\n  1\nLONG(2)", "2 + 1"),
        ("a /* b\nc */ d // e", "a\nd"),
        ("#define F(x) x\nF(1 +\n2)", "1 +\n2"),
        ("a-- - --b; x+=.5; y>>=1u;", "a -- - -- b ; x += .5 ; y >>= 1u ;"),
    ] {
        assert_eq!(made(text), want, "{text}");
    }
}

#[test]
fn conditions_choose() {
    for (text, want) in [
        ("#if 1\na\n#else\nb\n#endif", "a"),
        ("#if 0\na\n#elif 1\nb\n#elif 1\nc\n#else\nd\n#endif\ne", "b\ne"),
        ("#ifdef GIVEN\na\n#endif\n#ifndef GIVEN\nb\n#endif", "a"),
        ("#if defined(GIVEN) && !defined NOT && VALUE == 5\na\n#endif", "a"),
        ("#if VULKAN >= 100 && defined(GL_EXT_one) && !defined(GL_EXT_two) && GL_EXT_two == 0\na\n#endif", "a"),
        ("#undef VULKAN\n#ifdef VULKAN\na\n#endif\nb", "b"),
        ("#if 0\n#if 1\na\n#else\nb\n#endif\n#error no\n#define X\n#include \"no\"\n\"\n#endif\n#ifdef X\nc\n#endif\nd", "d"),
        ("#if __VERSION__ >= 450 && __LINE__ == 2\na\n#endif", "a"),
        ("#define F(x) x\n#if F(2) > 1\na\n#endif\n# \n#", "a"),
        ("#if 1 // yes\na\n#endif /* end */", "a"),
    ] {
        assert_eq!(made(text), want, "{text}");
    }
}

#[test]
fn what_is_the_compilers_is_passed_on() {
    let text = "#extension GL_EXT_one : require\n#pragma use_vulkan_memory_model\na\n#extension GL_GOOGLE_include_directive : enable\n#line 7\n__LINE__";
    assert_eq!(made(text), "#extension GL_EXT_one : require\n#pragma use_vulkan_memory_model\na\n7");
}

#[test]
fn mistakes_show_their_place() {
    refused("a\n#if 1\nb", &["t:3:1", "no #endif", "#if 1"]);
    refused("#endif", &["without an #if"]);
    refused("#if 1\n#else\n#else\n#endif", &["after the #else", "t:4:1"]);
    refused("#error the size is odd", &["#error the size is odd"]);
    refused("  #frobnicate", &["#frobnicate is not a directive", "t:2:4"]);
    refused("#define F(x, x) x\n", &["different names"]);
    refused("#define F(x\n", &["not closed"]);
    refused("#define A ## b\n", &["joins two tokens"]);
    refused("#define CAT(a, b) a##b\nCAT(+, x)", &["joins + and x", "t:3:1"]);
    refused("#define F(x) x\nF(1, 2)", &["takes 1 arguments, and 2 are given"]);
    refused("#define F(x) x\nF(1", &["not closed by )", "t:3:1"]);
    refused("#define defined 1", &["cannot be defined"]);
    refused("#define A 1\n#define A 2", &["A is defined already", "t:3:9"]);
    refused("#define A(x) x\n#define A(x) x x", &["A is defined already"]);
    refused("#undef", &["#undef needs"]);
    refused("#ifdef", &["#ifdef needs"]);
    refused("#if defined\n#endif", &["defined needs"]);
    refused("#if 1 +\n#endif", &["not complete"]);
    refused("a /* b", &["this comment is not closed", "t:2:3"]);
    refused("int é;", &["the character é", "t:2:5"]);
    refused("a \"b", &["quote is not closed"]);
    refused("a @", &["the character @"]);
    refused("#version 450", &["must occur once"]);
    refused("#include \"x.h\"", &["x.h was not found", "no include directories", "t:2:10"]);
    refused("#include", &["needs a file's name"]);
    for text in ["", "void main() {}", "#version 110\nvoid main() {}", "#version 450 compatibility\n", "#version x", "\na\n#version 450"] {
        let made = preprocess(text, "t", PreprocessOptions { folders: &[], defines: &[], predefined: &predefined });
        assert!(made.is_err_and(|error| error.message.contains("#version")), "{text}");
    }
    let bad = run("", &[], &["A=1", "2=B"]).map(|flat| flat.text).unwrap_err();
    assert!(bad.contains("defines[1]:1:1") && bad.contains("needs the name"), "{bad}");
    assert!(run("", &[], &["A=1\n#error"]).is_err_and(|message| message.contains("one line")));
    assert!(run("", &[], &[""]).is_err());
}

#[test]
fn expansion_is_bounded() {
    let bomb = |count: usize, body: &str, first: &str| {
        let mut text = format!("#define A0{first}\n");
        for i in 0..count {
            let _ = writeln!(text, "#define A{} {}", i + 1, body.replace('P', &format!("A{i}")));
        }
        text + &format!("A{count}")
    };
    refused(&bomb(40, "P P", " x"), &["tokens", "t:43:1"]);
    refused(&bomb(2000, "P P", " x"), &["tokens"]);
    // The result is empty, but the expansion takes many steps.
    refused(&bomb(40, "P P", ""), &["expand to too much"]);
    refused(&format!("#define F(x) x x\n{}1{}", "F(".repeat(30), ")".repeat(30)), &["tokens"]);
    refused(&format!("#define F(x) x\n{}1{}", "F(".repeat(1000), ")".repeat(1000)), &["levels deep"]);
    refused(&format!("#define F(x) x\n#define G(x) F(x x)\n{}1{}", "G(".repeat(30), ")".repeat(30)), &["tokens"]);
    let long = "x".repeat(100_000);
    let pasted = run(&format!("#define C(a, b) a##b\n#define L C({long}, {long})\n{}", "L ".repeat(20)), &[], &[]);
    assert!(pasted.is_err_and(|message| message.contains("new tokens")));
    refused(&"#if 1\n".repeat(1000), &["nest more than"]);
    let parameters: Vec<String> = (0..50_000).map(|i| format!("p{i}")).collect();
    refused(&format!("#define F({}) x", parameters.join(",")), &["at most 256 parameters"]);
    assert!(run(&bomb(15, "P P", " x"), &[], &[]).is_ok());
}
