//! Hostile texts give error messages. Large valid texts are accepted.

use crate::compile::base::error::ErrorKind;
use crate::compile::testing::*;

/// A kernel with these statements, after these declarations.
fn kernel(declarations: &str, statements: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read_write> b: array<i32>;\nvar<private> q: bool;\n{declarations}\n@compute \
         @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{\nlet y = i32(id.x);\n{statements}\n}}"
    )
}

/// The message for a text that does not compile.
fn refused(source: &str) -> String {
    let error = compile(source).map(|_| ()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Compile, "{error}");
    assert!(error.message.len() < 2000, "{error}");
    error.message
}

/// A chain of declarations, in which each depends on the next one.
fn chain(count: usize, declare: impl Fn(usize) -> String) -> String {
    (1..=count).rev().map(declare).collect()
}

#[test]
fn large_kernels_pass() {
    let texts = [
        kernel("", &format!("b[0] = y{};", "+ y".repeat(2000))),
        kernel("", &format!("if y == 0 {{ b[0] = 1; }}{}", " else if y == 1 { b[0] = 2; }".repeat(300))),
        kernel(&format!("{}const c0 = 1;", chain(2000, |i| format!("const c{i} = c{};\n", i - 1))), "b[0] = c2000;"),
        kernel("", &"b[y] = b[y + 1] * 3 + select(y, 4, y > 2);\n".repeat(5000)),
        kernel(&format!("const TABLE = array({});", "1, ".repeat(4096)), "for (var i = 0; i < 64; i++) { b[i] = TABLE[i]; }"),
        kernel(&format!("const TABLE: array<i32, 4096> = array({});", "1, ".repeat(4096)), &"b[y] += TABLE[y];\n".repeat(500)),
        kernel("const TABLE = array(1, 2, 3); const FIRST = TABLE[0];", &"b[y] += FIRST;\n".repeat(500)),
        kernel(
            "const N = 4; alias A = array<f32, N>;",
            "const N = N * 2; var a = A(); var c = array<f32, max(N, 2) << 1>(); b[0] = i32(a[0] + c[y]);",
        ),
        kernel("struct S { a: array<vec4<f32>, 64>, m: mat4x4<f32> }", &"{ var s = S(); b[y] += i32(s.a[y].x); }\n".repeat(300)),
    ];
    for text in texts {
        compile(&text).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn deep_texts_are_refused() {
    let cases = [
        (kernel("", &format!("b[0] = {}y{};", "(".repeat(5000), ")".repeat(5000))), "nest more than 120"),
        (kernel("", &format!("b[0] = {}0{};", "b[".repeat(5000), "]".repeat(5000))), "nest more than 120"),
        (kernel("", &format!("b[0] = y{};", "+y".repeat(150_000))), "more than 8192 operators"),
        (kernel("", &format!("b[0] = {}y;", "- ".repeat(100_000))), "more than 8192 operators"),
        (kernel("", &format!("q = {}q;", "!".repeat(100_000))), "more than 8192 operators"),
        (kernel("", &format!("q = q{};", "&&q".repeat(100_000))), "more than 8192 operators"),
        (kernel("", &format!("var v = vec2(y, y); v = v{};", ".xy".repeat(100_000))), "more than 8192 operators"),
        (kernel("", &format!("var v = y; b[0] = {}v;", "*&".repeat(100_000))), "more than 8192 operators"),
        (kernel("", &format!("if y == 0 {{}}{}", " else if y == 1 {}".repeat(50_000))), "more than 1000 else"),
        (kernel("", &format!("var z: {}f32{};", "array<".repeat(5000), ", 1>".repeat(5000))), "nest"),
        (kernel("", &format!("{}b[0] = 1;{}", "{".repeat(5000), "}".repeat(5000))), "nest"),
        (kernel(&chain(20_000, |i| format!("const c{i} = c{};\n", i - 1)), ""), "more than 16384 declarations"),
        (kernel(&chain(20_000, |i| format!("alias c{i} = c{};\n", i - 1)), ""), "more than 16384 declarations"),
        (kernel(&chain(20_000, |i| format!("override c{i} = c{};\n", i - 1)), ""), "more than 16384 declarations"),
        (kernel(&chain(20_000, |i| format!("fn c{i}() {{ c{}(); }}\n", i - 1)), ""), "more than 16384 declarations"),
        (kernel("", &"b[0] = b[1];\n".repeat(60_000)), "more than 262144 tokens"),
    ];
    for (text, expected) in cases {
        let message = refused(&text);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn deep_texts_just_inside_the_limits_survive() {
    let texts = [
        kernel("", &format!("b[0] = y{};", "+ y".repeat(8100))),
        kernel("", &format!("b[0] = {}y;", "- ".repeat(8100))),
        kernel("", &format!("q = q{};", "&&q".repeat(4000))),
        kernel("", &format!("if y == 0 {{}}{}", " else if y == 1 {}".repeat(990))),
        kernel(&format!("{}const c0 = 1;", chain(16_000, |i| format!("const c{i} = c{};\n", i - 1))), "b[0] = c16000;"),
        kernel(&format!("{}alias c0 = i32;", chain(16_000, |i| format!("alias c{i} = c{};\n", i - 1))), "b[0] = c16000(1);"),
        kernel(&format!("{}override c0 = 1;", chain(16_000, |i| format!("override c{i} = c{};\n", i - 1))), "b[0] = c16000;"),
        kernel("", &format!("{}b[0] = 1;{}", "if y == 0 {".repeat(100), "}".repeat(100))),
    ];
    for text in texts {
        compile(&text).unwrap_or_else(|error| panic!("{error}"));
    }
    // Calls and types may not nest that deep. The error comes after the compiler, which must survive until then.
    let calls = chain(16_000, |i| format!("fn c{i}() {{ c{}(); }}\n", i - 1));
    let error = compile(&kernel(&format!("{calls} fn c0() {{}}"), "c16000();")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.message.contains("the limit is 256"), "{error}");
    let structs = chain(300, |i| format!("struct c{i} {{ a: c{} }}\n", i - 1));
    let text = kernel(&format!("{structs} struct c0 {{ a: i32 }}"), "var z: c300; b[0] = 1;");
    let error = compile(&text).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.message.contains("255 levels"), "{error}");
}

#[test]
fn doubling_is_refused() {
    let constants = |first: &str, next: &dyn Fn(usize) -> String| format!("{first}\n{}", (1..=40).map(next).collect::<String>());
    let arrays = constants("const c0 = array(1, 2);", &|i| format!("const c{i} = array(c{0}, c{0});\n", i - 1));
    let structs = constants("struct c0 { a: i32 }", &|i| format!("struct c{i} {{ a: c{0}, b: c{0} }}\n", i - 1));
    let typed = constants("alias a0 = array<i32, 2>; const c0 = a0(1, 2);", &|i| {
        format!("alias a{i} = array<a{0}, 2>; const c{i} = a{i}(c{0}, c{0});\n", i - 1)
    });
    let cases = [
        (kernel(&arrays, "var z = c40;"), "has more than 131072 parts"),
        (kernel("", &format!("{arrays} var z = c40;")), "has more than 131072 parts"),
        (kernel(&structs, "_ = 6 < c40();"), "has more than 65536 parts"),
        (kernel(&typed, "let z = c40[0];"), "has more than 131072 parts"),
        (kernel(&format!("const T = array({});", "1, ".repeat(100_000)), &"b[0] = T[y];\n".repeat(10_000)), "copy more than"),
        (
            kernel(
                &format!("const T = array<array<i32, 50000>, 2>(array({0}), array({0}));", "1, ".repeat(50_000)),
                &"b[0] = T[1][y];\n".repeat(10_000),
            ),
            "copy more than",
        ),
        // Names that depend on each other in a cycle, through a shadowing declaration.
        (kernel(&arrays, "const c0 = array(c40, c40); var z = c0;"), "has more than"),
    ];
    for (text, expected) in cases {
        let message = refused(&text);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn large_zero_values_are_refused() {
    let statements = [
        ("", "_=6<array<f32,500000000>();"),
        ("const N = 1 << 29;", "_ = 6 < array<f32, N>();"),
        ("const A = 50000; const N = A * A;", "_ = 6 < array<f32, (N) / 1u>();"),
        ("alias A = array<f32, 500000000>;", "_ = 6 < A();"),
        ("struct S { x: array<array<f32, 500000000>, 1> }", "_ = -S();"),
        ("", "const N = 0x1fffffffu; _ = 6 < array<vec4<f32>, N>();"),
        ("", "_ = 6 < array<f32, countOneBits(7) * 500000000>();"),
        ("alias A = array<f32, 500000000>;", "_ = 6 < array<A, 1>();"),
    ];
    for (declarations, statement) in statements {
        let message = refused(&kernel(declarations, statement));
        assert!(message.contains("values have at most 1048576 elements"), "{message}");
    }
}

#[test]
fn too_long() {
    let message = refused(&format!("// {}", "x".repeat(1 << 20)));
    assert!(message.contains("1 MiB"), "{message}");
}
