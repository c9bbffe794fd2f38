//! Hostile WGSL: texts that crash compilers by depth, size or compiler bugs. Each compiles or is rejected with a compile error. None
//! crashes, hangs or exhausts memory, and the device works afterwards.

use crate::common::process::within;
use crate::common::random::{Random, number};
use crate::common::*;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// The time limit for a text, also in debug builds on a busy machine. Most of it is for the validation layer, which works half a minute of CPU
/// time on a thousand nested branches, unless they are in the cache that it keeps in the user's cache folder.
const LIMIT: Duration = Duration::from_secs(300);

fn main_with(body: &str) -> String {
    format!("@compute @workgroup_size(1) fn main() {{ {body} }}")
}

/// Compiles within the time limit, and then checks that the device still compiles a valid text.
fn outcome(device: &Arc<Device>, what: &str, source: String) -> (avx_status, String) {
    let worker = Arc::clone(device);
    let (status, message) = within(LIMIT, what, move || match worker.try_kernel(&source, None) {
        Ok(kernel) => {
            ok(avx_kernel_free(kernel));
            (AVX_OK, String::new())
        }
        Err(status) => (status, last_error()),
    });
    assert!(message.len() < 100_000, "{what}: a message of {} bytes", message.len());
    assert!(status == AVX_OK || !message.is_empty(), "{what}: no message");
    ok(avx_kernel_free(device.kernel(&main_with(""))));
    (status, message)
}

#[track_caller]
fn refused(cases: Vec<(&str, String)>) {
    let Some(device) = Device::open() else { return };
    let device = Arc::new(device);
    for (what, source) in cases {
        assert!(source.len() < 1 << 20, "{what} is {} bytes, which tests the size alone", source.len());
        let (status, message) = outcome(&device, what, source);
        assert!(status == AVX_ERROR_COMPILE, "{what}: {} {message}", name(status));
    }
}

#[track_caller]
fn survived(cases: Vec<(&str, String)>) {
    let Some(device) = Device::open() else { return };
    let device = Arc::new(device);
    let mut wrong = Vec::new();
    for (what, source) in cases {
        let (status, message) = outcome(&device, what, source);
        if ![AVX_OK, AVX_ERROR_COMPILE, AVX_ERROR_LIMIT, AVX_ERROR_UNSUPPORTED].contains(&status) {
            wrong.push(format!("{what}: {}: {message}", name(status)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn repeat(count: usize, one: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for i in 0..count {
        text.push_str(&one(i));
    }
    text
}

#[test]
fn deep_nesting_is_a_compile_error() {
    let n = 100_000;
    refused(vec![
        ("parentheses", main_with(&format!("let x = {}1u{};", "(".repeat(n), ")".repeat(n)))),
        ("open parentheses", main_with(&format!("let x = {}", "(".repeat(n)))),
        ("blocks", main_with(&format!("{}{}", "{".repeat(n), "}".repeat(n)))),
        ("open blocks", main_with(&"{".repeat(n))),
        ("ifs", main_with(&format!("{}{}", "if(true){".repeat(n), "}".repeat(n)))),
        ("loops", main_with(&format!("{}{}", "loop{".repeat(n), "}".repeat(n)))),
        ("indices", main_with(&format!("let x = {}0{};", "a[".repeat(n), "]".repeat(n)))),
        ("calls", main_with(&format!("let x = {}1{};", "abs(".repeat(n), ")".repeat(n)))),
        ("templates", main_with(&format!("var x: {}u32{};", "array<".repeat(n), ",2>".repeat(n)))),
        ("attributes", format!("{} fn main() {{}}", "@diagnostic(off,a)".repeat(50_000))),
    ]);
}

#[test]
fn unary_chains_are_a_compile_error() {
    let n = 200_000;
    refused(vec![
        ("minuses", main_with(&format!("let x = {}1;", "- ".repeat(n)))),
        ("minuses without spaces", main_with(&format!("let x = {}1;", "-".repeat(n)))),
        ("nots", main_with(&format!("let x = {}true;", "!".repeat(n)))),
        ("complements", main_with(&format!("let x = {}1u;", "~".repeat(n)))),
        ("addresses", main_with(&format!("let x = {}1u;", "&*".repeat(n)))),
    ]);
}

#[test]
fn long_chains_are_a_compile_error() {
    refused(vec![
        ("a sum", main_with(&format!("var a = 1u; let x = a{};", "+a".repeat(300_000)))),
        ("a product", main_with(&format!("var a = 1u; let x = a{};", "*a".repeat(300_000)))),
        ("a disjunction", main_with(&format!("var a = true; let x = a{};", "||a".repeat(200_000)))),
        ("shifts", main_with(&format!("var a = 1u; let x = a{};", "<<(a)".repeat(150_000)))),
        ("else ifs", main_with(&format!("var b = true; if(b){{}}{}", "else if(b){}".repeat(60_000)))),
        ("members", main_with(&format!("let x = a{};", ".a".repeat(300_000)))),
    ]);
}

#[test]
fn chains_of_declarations_survive() {
    survived(vec![
        (
            "constants",
            format!("const c0 = 1u; {} {}", repeat(20_000, |i| format!("const c{} = c{i};", i + 1)), main_with("let x = c20000;")),
        ),
        (
            "constants backwards",
            format!("{} const c20000 = 1u; {}", repeat(20_000, |i| format!("const c{i} = c{};", i + 1)), main_with("let x = c0;")),
        ),
        ("aliases", format!("alias t0 = u32; {} {}", repeat(20_000, |i| format!("alias t{} = t{i};", i + 1)), main_with("var x: t20000;"))),
        (
            "aliases backwards",
            format!("{} alias t20000 = u32; {}", repeat(20_000, |i| format!("alias t{i} = t{};", i + 1)), main_with("var x: t0;")),
        ),
        (
            "structs in structs",
            format!(
                "struct S0 {{ a: u32 }} {} {}",
                repeat(10_000, |i| format!("struct S{} {{ a: S{i} }}", i + 1)),
                main_with("var x: S10000;")
            ),
        ),
        (
            "arrays of arrays",
            format!("alias t0 = u32; {} {}", repeat(60, |i| format!("alias t{} = array<t{i}, 2>;", i + 1)), main_with("var x: t60;")),
        ),
        (
            "functions that call functions",
            format!("fn f0() {{}} {} {}", repeat(10_000, |i| format!("fn f{}() {{ f{i}(); }}", i + 1)), main_with("f10000();")),
        ),
        ("lets", main_with(&format!("let a0 = 1u; {}", repeat(20_000, |i| format!("let a{} = a{i} + 1u;", i + 1))))),
        ("a constant cycle", format!("const a = b; const b = a; {}", main_with("let x = a;"))),
        ("a type cycle", format!("struct A {{ b: B }} struct B {{ a: A }} {}", main_with("var x: A;"))),
    ]);
}

#[test]
fn chains_at_the_edge_of_a_common_stack_survive() {
    survived(
        [1000, 1500, 3000, 3700, 5000, 8000, 20_000]
            .into_iter()
            .flat_map(|n| {
                [
                    ("a sum of thousands", main_with(&format!("var a = 1u; let x = a{};", " + a".repeat(n)))),
                    ("minuses by thousands", main_with(&format!("var a = 1; let x = {}a;", "- ".repeat(n)))),
                    ("else ifs by thousands", main_with(&format!("var b = true; if (b) {{}} {}", "else if (b) {}".repeat(n)))),
                    ("parentheses by thousands", main_with(&format!("let x = {}1u{};", "(".repeat(n), ")".repeat(n)))),
                ]
            })
            .collect(),
    );
}

#[test]
fn sources_that_made_compilers_panic_survive() {
    survived(vec![
        (
            "a pointer into a struct",
            "struct S { a: array<u32, 4> } fn f(p: ptr<function, u32>) -> u32 { return *p; }
            @group(0) @binding(0) var<storage, read_write> out: array<u32>;
            @compute @workgroup_size(1) fn main() { var s: S; out[0] = f(&s.a[1]); }"
                .into(),
        ),
        (
            "a pointer into a workgroup array",
            "var<workgroup> w: array<u32, 4>; fn f(p: ptr<workgroup, u32>) { *p = 1u; } @compute @workgroup_size(1) fn main() { f(&w[1]); }".into(),
        ),
        ("a huge template in a comparison", main_with("_=6<array<f32,500000000>();")),
        ("a huge constant array", main_with("let x = array<u32, 100000000>();")),
        ("a huge private array", "var<private> p: array<u32, 2000000000>; @compute @workgroup_size(1) fn main() { p[0] = 1u; }".into()),
        ("an array whose size overflows", "var<private> p: array<vec4<f32>, 4294967295>; @compute @workgroup_size(1) fn main() { p[0].x = 1.0; }".into()),
        ("a huge workgroup array", "var<workgroup> w: array<u32, 500000000>; @compute @workgroup_size(1) fn main() { w[0] = 1u; }".into()),
        ("a negative array", "var<private> p: array<u32, -1>; @compute @workgroup_size(1) fn main() { p[0] = 1u; }".into()),
        ("an empty array", "var<private> p: array<u32, 0>; @compute @workgroup_size(1) fn main() { }".into()),
        ("a huge shift", main_with("let x = 1u << 4000000000u;")),
        ("a division by zero", main_with("const x = 1 / 0;")),
        ("the least integer over -1", main_with("const x = i32(-2147483648) / -1;")),
        ("a number of many digits", main_with(&format!("let x = {};", "9".repeat(100_000)))),
        ("a fraction of many digits", main_with(&format!("let x = 0.{}1;", "0".repeat(100_000)))),
        ("f64 exp", main_with("var x = 1.0lf; x = exp(x);")),
        ("a huge binding", "@group(0) @binding(4294967295) var<storage, read_write> a: array<u32>; @compute @workgroup_size(1) fn main() { a[0] = 1u; }".into()),
        ("a huge group", "@group(4294967295) @binding(0) var<storage, read_write> a: array<u32>; @compute @workgroup_size(1) fn main() { a[0] = 1u; }".into()),
        ("an override", "override n: u32 = 4; var<workgroup> w: array<u32, n>; @compute @workgroup_size(n) fn main() { w[0] = 1u; }".into()),
        ("an override without a value", "override n: u32; @compute @workgroup_size(n) fn main() { }".into()),
        ("a barrier in a branch", "@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) l: u32) { if (l < 3u) { workgroupBarrier(); } }".into()),
    ]);
}

#[test]
fn odd_text_survives() {
    let long = "x".repeat(500_000);
    let mut nested = String::new();
    for _ in 0..100_000 {
        write!(nested, "/*").expect("a string grows");
    }
    survived(vec![
        ("a long identifier", main_with(&format!("var {long} = 1u;"))),
        ("nested comments", nested.clone() + &"*/".repeat(100_000) + &main_with("")),
        ("comments that do not end", nested),
        ("a byte order mark", format!("\u{feff}{}", main_with(""))),
        ("right to left", main_with("/* \u{202e} */ let \u{0645} = 1u;")),
        ("emoji", main_with("let \u{1f600} = 1u;")),
        ("many lines", "\n".repeat(1_000_000) + "@compute @workgroup_size(1) fn main() { }"),
        ("many errors", "x ".repeat(400_000)),
        ("many semicolons", ";".repeat(500_000) + &main_with("")),
        ("control characters", main_with("let x = 1\u{1}u;")),
    ]);
}

/// A program that uses many features, as the input of mutations.
const RICH: &str = "struct P { a: vec4<f32>, n: u32, m: mat3x3<f32>, } struct Q { head: u32, tail: array<vec2<u32>> } const k = 3u ;
@group(0) @binding(0) var<storage, read_write> q: Q ; @group(0) @binding(1) var<uniform> p: P ; var<workgroup> w: array<u32, 64> ;
@group(1) @binding(0) var<storage, read_write> c: array<atomic<u32>> ; var<private> v: array<i32, 4> ; alias T = array<u32, k> ;
fn f ( x : u32 , y : ptr<function, u32> ) -> u32 { * y += x ; switch x { case 1u { return 2u ; } default { return x * k ; } } }
@compute @workgroup_size ( 8 , 4 ) fn main ( @builtin(global_invocation_id) g : vec3<u32> , @builtin(local_invocation_index) l : u32 ) {
    var t : T ; var z = t [ 1 ] ; var s = 0u ; w [ l ] = g . x ; workgroupBarrier ( ) ;
    for ( var i = 0u ; i < 9u ; i ++ ) { if ( i == 5u ) { continue ; } else if ( w [ i ] > 7u ) { break ; } s += f ( i , & z ) ; }
    loop { s = s >> 1u ; if ( s == 0u ) { break ; } continuing { v [ s % 4u ] = - i32 ( s ) ; } }
    atomicAdd ( & c [ g . y % 3u ] , s ) ; q . tail [ g . z ] . x = select ( s , q . head , any ( p . a . xy > vec2 ( 1.0 ) ) ) ;
    q . head = u32 ( ( p . m * p . a . xyz ) . z ) + arrayLength ( & q . tail ) ; }";

#[test]
fn seeded_mutations_survive() {
    let Some(device) = Device::open() else { return };
    let seed = Random::seed(80);
    let words: Vec<&str> = RICH.split_whitespace().collect();
    let odd =
        ["", "(", ")", "{", "}", "<", ">", "-1", "4294967296u", "1e999", "0x", "@", "array<", "ptr<storage, u32>", "_", "\"", "/*", "//"];
    let fine = [AVX_ERROR_COMPILE, AVX_ERROR_ENTRY_POINT, AVX_ERROR_LIMIT, AVX_ERROR_UNSUPPORTED];
    let mut wrong = Vec::new();
    ok(avx_kernel_free(device.kernel(RICH)));
    for step in 0..number("AVX_GPU_TEST_MUTATIONS").unwrap_or(1500) {
        let mut random = Random::new(seed + step);
        let start = std::time::Instant::now();
        let mut spoilt = words.clone();
        for _ in 0..=random.below(3) {
            let (at, other) = (random.index(spoilt.len()), random.index(spoilt.len()));
            match random.below(5) {
                0 => {
                    spoilt.remove(at);
                }
                1 => spoilt.swap(at, other),
                2 => spoilt.insert(at, spoilt[other]),
                3 => spoilt[at] = spoilt[other],
                _ => spoilt[at] = odd[random.index(odd.len())],
            }
        }
        match device.try_kernel(&spoilt.join(" "), None) {
            Ok(kernel) => ok(avx_kernel_free(kernel)),
            Err(status) if fine.contains(&status) => assert!(!last_error().is_empty(), "step {step}: no message"),
            Err(status) => wrong.push(format!("AVX_GPU_TEST_SEED={seed}, step {step}: {}: {}", name(status), last_error())),
        }
        assert!(start.elapsed() < LIMIT, "AVX_GPU_TEST_SEED={seed}, step {step}: {:?}", start.elapsed());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn empty_text_is_refused() {
    let Some(device) = Device::open() else { return };
    for source in ["", " ", "\n\n", "// nothing", "/* nothing */"] {
        let status = device.try_kernel(source, None).expect_err("nothing to compile");
        fails_with_one_of(status, &[AVX_ERROR_COMPILE, AVX_ERROR_ENTRY_POINT]);
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let Some(device) = Device::open() else { return };
    for bad in [&b"\xff\xfe"[..], b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80\x80\x80"] {
        let mut source = b"@compute @workgroup_size(1) fn main() { } // ".to_vec();
        source.extend_from_slice(bad);
        let status = device.try_code(AVX_LANGUAGE_WGSL, &source, None).expect_err("not UTF-8");
        tells(&fails_with_one_of(status, &[AVX_ERROR_COMPILE, AVX_ERROR_INVALID_ARGUMENT]), &["UTF-8"]);
        source.push(0);
        let mut kernel = std::ptr::null_mut();
        let status = abi::kernel_from_wgsl(device.handle, source.as_ptr().cast(), std::ptr::null(), &mut kernel);
        tells(&fails_with_one_of(status, &[AVX_ERROR_COMPILE, AVX_ERROR_INVALID_ARGUMENT]), &["UTF-8"]);
    }
}

#[test]
fn a_nul_inside_is_refused() {
    let Some(device) = Device::open() else { return };
    let status = device.try_code(AVX_LANGUAGE_WGSL, b"@compute @workgroup_size(1) \0 fn main() { }", None).expect_err("a NUL");
    fails_with_one_of(status, &[AVX_ERROR_COMPILE, AVX_ERROR_INVALID_ARGUMENT]);
}

#[test]
fn two_mib_of_text_are_refused_with_the_limit() {
    let Some(device) = Device::open() else { return };
    for fill in [" ", "// x\n", "fn f() {}\n"] {
        let source = format!("{}{}", main_with(""), fill.repeat((2 << 20) / fill.len()));
        let status = device.try_kernel(&source, None).expect_err("over 1 MiB");
        tells(&fails_with_one_of(status, &[AVX_ERROR_COMPILE, AVX_ERROR_LIMIT]), &[&source.len().to_string()]);
    }
    let source = format!("{}//{}", main_with(""), "x".repeat((1 << 20) - main_with("").len() - 3));
    ok(avx_kernel_free(device.kernel(&source)));
}

#[test]
fn hostile_text_from_many_threads_at_once() {
    let Some(device) = Device::open() else { return };
    let device = Arc::new(device);
    let workers: Vec<_> = (0..16)
        .map(|i| {
            let device = Arc::clone(&device);
            std::thread::spawn(move || {
                for round in 0..10 {
                    let source = match (i + round) % 3 {
                        0 => main_with(&format!("let x = {}1u;", "(".repeat(50_000))),
                        1 => main_with(&format!("var a = 1u; let x = a{};", "+a".repeat(100_000))),
                        _ => main_with("let x = 1u;"),
                    };
                    let result = device.try_kernel(&source, None);
                    assert_eq!(result.is_ok(), (i + round) % 3 == 2, "{:?}", result.err().map(name));
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().expect("no worker fails");
    }
}
