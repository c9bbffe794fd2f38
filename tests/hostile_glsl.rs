//! Hostile GLSL: texts that crash compilers by depth, size, macros or compiler bugs, and seeded mutations of valid texts. Each must end
//! with a status in bounded time and memory, with libshaderc and without.
//!
//! These tests have a binary of their own, because they limit the peak memory of the whole process.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::glsl::{Text, VARIABLE, by_both, has_shaderc, text};
use common::process::{cpu_time, is_child, rerun};
use common::random::{Random, number};
use common::*;
use std::time::Duration;

/// The time limit for a text, and the limit on the growth of the process.
const LIMIT: Duration = Duration::from_secs(10);
const MOST_KIB: u64 = 2 << 20;

/// The peak memory of this process; 0 if the system does not report it.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Creates a kernel from a text in bounded time and memory. Returns the status and the error message.
fn outcome(device: &Device, what: &str, code: &[u8]) -> (avx_status, String) {
    let start = cpu_time();
    let made = Text { code, ..Text::default() }.make(device);
    let (took, peak) = (cpu_time() - start, peak_kib());
    assert!(took < LIMIT, "{what}: took {took:?}");
    assert!(peak < MOST_KIB, "{what}: {peak} KiB");
    match made {
        Ok(kernel) => {
            ok(avx_kernel_free(kernel));
            (AVX_OK, String::new())
        }
        Err((status, message)) => {
            assert!(!message.is_empty() && message.len() < 100_000, "{what}: a message of {} bytes", message.len());
            (status, message)
        }
    }
}

const FINE: [avx_status; 6] =
    [AVX_OK, AVX_ERROR_COMPILE, AVX_ERROR_ENTRY_POINT, AVX_ERROR_LIMIT, AVX_ERROR_UNSUPPORTED, AVX_ERROR_INVALID_SPIRV];

fn main_with(body: &str) -> String {
    with_before("", body)
}

fn with_before(before: &str, body: &str) -> String {
    format!(
        "#version 450\nlayout(local_size_x = 1) in;\nlayout(binding = 0) buffer B {{ uint b[]; }};\n{before}\nvoid main() {{ {body} }}\n"
    )
}

fn repeat(count: usize, one: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for i in 0..count {
        text.push_str(&one(i));
    }
    text
}

/// Each case must end with one of the statuses, and a valid text must compile afterwards.
#[track_caller]
fn all(device: &Device, fine: &[avx_status], cases: Vec<(&str, String)>) {
    let mut wrong = Vec::new();
    for (what, code) in cases {
        assert!(code.len() < 1 << 20, "{what} is {} bytes, which tests the size alone", code.len());
        let (status, message) = outcome(device, what, code.as_bytes());
        if !fine.contains(&status) {
            wrong.push(format!("{what}: {} {message}", name(status)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    ok(avx_kernel_free(text(&main_with("b[0] = 1u;")).kernel(device)));
}

#[test]
fn deep_and_long_texts_are_compile_errors() {
    by_both("deep_and_long_texts_are_compile_errors", |device, _| {
        let n = 100_000;
        let cases = vec![
            ("parentheses", main_with(&format!("uint x = {}1u{};", "(".repeat(n), ")".repeat(n)))),
            ("open parentheses", main_with(&format!("uint x = {}", "(".repeat(n)))),
            ("blocks", main_with(&format!("{}{}", "{".repeat(n), "}".repeat(n)))),
            ("open blocks", main_with(&"{".repeat(n))),
            ("ifs", main_with(&format!("{}{}", "if (true) {".repeat(n / 2), "}".repeat(n / 2)))),
            ("loops", main_with(&format!("{}{}", "for (;;) {".repeat(n / 2), "}".repeat(n / 2)))),
            ("indices", main_with(&format!("uint x = {}0{};", "b[".repeat(n), "]".repeat(n)))),
            ("calls", main_with(&format!("float x = {}1.0{};", "abs(".repeat(n), ")".repeat(n)))),
            ("minuses", main_with(&format!("int x = {}1;", "- ".repeat(n)))),
            ("nots", main_with(&format!("bool x = {}true;", "!".repeat(n)))),
            ("a sum", main_with(&format!("uint a = 1u; uint x = a{};", "+a".repeat(n)))),
            ("a disjunction", main_with(&format!("bool a = true; bool x = a{};", "||a".repeat(n)))),
            ("choices", main_with(&format!("uint a = 1u; uint x = {}a;", "a > 1u ? a : ".repeat(20_000)))),
            ("assignments", main_with(&format!("uint a = 1u; {}a;", "a = ".repeat(n)))),
            ("else ifs", main_with(&format!("bool a = true; if (a) {{}}{}", "else if (a) {}".repeat(50_000)))),
            ("members", main_with(&format!("vec4 v; v = v{};", ".xyzw".repeat(n)))),
            ("dimensions", main_with(&format!("uint x{};", "[1]".repeat(n)))),
            ("macros", with_before("#define P ((((((((((((((((", &format!("uint x = {}", "P ".repeat(1000)))),
            ("functions", with_before(&repeat(10_000, |i| format!("void f{i}() {{}}")), "")),
            ("cases", main_with(&format!("switch (int(b[0])) {{ {} }}", repeat(30_000, |i| format!("case {i}: break;"))))),
            ("names", main_with(&format!("uint {} = 1u;", "x".repeat(500_000)))),
        ];
        all(device, &[AVX_ERROR_COMPILE], cases);
    });
}

#[test]
fn texts_that_grow_are_refused() {
    by_both("texts_that_grow_are_refused", |device, _| {
        let doubling = repeat(40, |i| format!("struct S{} {{ S{i} a, b; }};", i + 1));
        let bomb = |body: &str| repeat(40, |i| format!("#define A{} {}\n", i + 1, body.replace('P', &format!("A{i}"))));
        let calls = repeat(60, |i| format!("uint f{}() {{ return f{i}() + f{i}(); }}", i + 1));
        let table = format!("const uint t[] = uint[]({});", vec!["1u"; 8000].join(","));
        let zeros = "#extension GL_EXT_null_initializer : require\nconst uint t[1000000000] = {};";
        let cases = vec![
            ("doubling structs", with_before(&format!("struct S0 {{ float x; }}; {doubling}"), "S40 s;")),
            ("doubling macros", with_before(&format!("#define A0 x\n{}", bomb("P P")), "A40")),
            ("doubling nothing", with_before(&format!("#define A0\n{}", bomb("P P")), "A40")),
            ("doubling arguments", with_before("#define F(x) x x", &format!("{}1{}", "F(".repeat(30), ")".repeat(30)))),
            ("doubling calls", with_before(&format!("uint f0() {{ return b[1]; }} {calls}"), "b[0] = f60();")),
            ("a table used often", with_before(&table, &format!("uint x = b[1]; {} b[0] = x;", "x += t[x];".repeat(8000)))),
            ("huge zeros", with_before(zeros, "b[0] = t[b[1]];")),
            ("huge shared memory", with_before("shared uint w[2000000000];", "w[b[0]] = 1u; b[1] = w[2];")),
            ("a recursion", with_before("uint g(uint x) { return g(x); }", "b[0] = g(1u);")),
            ("conditions", with_before(&"#if 1\n".repeat(100_000), "")),
            ("a condition", with_before(&format!("#if {}1{}\n#endif", "(".repeat(100_000), ")".repeat(100_000)), "")),
        ];
        all(device, &[AVX_ERROR_COMPILE, AVX_ERROR_LIMIT, AVX_ERROR_INVALID_SPIRV], cases);
    });
}

#[test]
fn large_texts_are_survived() {
    by_both("large_texts_are_survived", |device, _| {
        let functions = repeat(2000, |i| format!("uint f{}() {{ return f{i}(); }}", i + 1));
        let constants = repeat(8000, |i| format!("const uint c{} = c{i} + 1u;", i + 1));
        let structs = repeat(1000, |i| format!("struct S{} {{ S{i} a; }};", i + 1));
        let elses = repeat(400, |i| format!("else if (a == {i}u) {{ b[0] = a; }}"));
        let table = format!("const uint t[] = uint[]({});", vec!["1u"; 3000].join(","));
        let overloads = repeat(100, |i| format!("void f(float a{}) {{}}", repeat(i, |j| format!(", float b{j}"))));
        let nines = "9".repeat(1000);
        let cases = vec![
            ("a chain of functions", with_before(&format!("uint f0() {{ return b[1]; }} {functions}"), "b[0] = f2000();")),
            ("a chain of constants", with_before(&format!("const uint c0 = 1u; {constants}"), "b[0] = c8000;")),
            ("a chain of structs", with_before(&format!("struct S0 {{ uint x; }}; {structs}"), "S1000 s;")),
            ("a sum of thousands", main_with(&format!("uint a = b[1]; uint x = a{}; b[0] = x;", " + a".repeat(8000)))),
            ("minuses by thousands", main_with(&format!("int a = int(b[1]); int x = {}a; b[0] = uint(x);", "- ".repeat(8000)))),
            ("else ifs", main_with(&format!("uint a = b[1]; if (a == 0u) {{}} {elses}"))),
            ("many statements", main_with(&format!("uint a = b[1]; {} b[0] = a;", "a += 1u;".repeat(20_000)))),
            ("many variables", with_before(&repeat(16_000, |i| format!("uint g{i};")), "b[0] = g7;")),
            ("overloads", with_before(&overloads, &format!("float x; {}", "f(x);".repeat(4000)))),
            ("a huge private array", with_before("uint w[2000000000];", "w[b[0]] = 1u; b[1] = w[2];")),
            ("many questions", with_before(&repeat(10_000, |i| format!("#ifdef GL_EXT_{i}\n#endif\n")), "b[0] = 1u;")),
            ("a large table", with_before(&table, "b[0] = t[b[1]];")),
            ("numbers", main_with(&format!("float x = {nines}.0; uint y = {nines}u; int z = 1 / 0; float w = 1.0 / 0.0;"))),
            ("a shift", main_with("uint x = 1u << 4000000000u; int y = -2147483648 / -1; b[0] = x + uint(y);")),
        ];
        all(device, &FINE, cases);
    });
}

/// Programs that use many features, as the input of mutations. Only libshaderc accepts the last ones.
const RICH: [&str; 4] = [
    "#version 450\n#define K 3\n#define MAD( a , b , c ) ( ( a ) * ( b ) + ( c ) )\n#if K > 2 && defined ( K )\n#define T uint\n#else\n#define T int\n#endif
layout ( local_size_x = 8 , local_size_y = 4 ) in ; struct P { vec4 a ; uint n ; mat3 m ; } ; const uint k = 3u ;
layout ( std430 , set = 0 , binding = 0 ) buffer Q { uint head ; vec2 tail [ ] ; } q ; layout ( std140 , binding = 1 ) uniform U { P p ; float f [ 4 ] ; } ;
layout ( std430 , set = 1 , binding = 0 ) buffer C { uint c [ ] ; } ; shared uint w [ 64 ] ; int v [ 4 ] ; const float table [ 4 ] = float [ ] ( 1.0 , 2.0 , 3.0 , 4.0 ) ;
uint f1 ( uint x , inout uint y ) { y += x ; switch ( x ) { case 1u : return 2u ; case 2u : y = 3u ; break ; default : return x * k ; } return y ; }
void main ( ) { uvec3 g = gl_GlobalInvocationID ; uint l = gl_LocalInvocationIndex ; uint z = 1u ; uint s = 0u ; T t [ K ] ; w [ l ] = g . x ; barrier ( ) ;
for ( uint i = 0u ; i < 9u ; i ++ ) { if ( i == 5u ) { continue ; } else if ( w [ i ] > 7u ) { break ; } s += f1 ( i , z ) ; }
do { s = s >> 1u ; v [ s % 4u ] = - int ( s ) ; } while ( s != 0u ) ; while ( s < 2u ) { ++ s ; }
c [ g . y % 3u ] = s ; q . tail [ g . z ] . x = any ( greaterThan ( p . a . xy , vec2 ( 1.0 ) ) ) ? float ( s ) : MAD ( table [ s ] , 2.0 , f [ 1 ] ) ;
q . head = uint ( ( p . m * p . a . xyz ) . z ) + uint ( v [ 1 ] ) ; }\n",
    "#version 460 core\n#define ADD( X ) X += X ; X *= 2.0 ;\n#define CAT( A , B ) A ## B\n#ifdef VULKAN\n#define ON 1\n#endif\n#ifndef ON\n#error no\n#endif
layout ( local_size_x = 32 ) in ; layout ( binding = 0 ) buffer A { float data [ ] ; } ; layout ( push_constant ) uniform Push { ivec4 offsets ; float scale ; } push ;
layout ( constant_id = 0 ) const int N = 4 ; layout ( constant_id = 1 ) const bool FLAG = true ; shared vec4 tile [ 8 ] [ 4 ] ;
struct Inner { float x ; int y ; } ; struct Outer { Inner i [ 2 ] ; vec3 z ; } ; float add ( in float a , float b ) { return a + b ; } float add ( int a , int b ) { return float ( a - b ) ; }
void main ( ) { int id = int ( gl_LocalInvocationID . x + gl_WorkGroupID . y * gl_NumWorkGroups . z ) ; Outer o ; o . i [ 1 ] . x = 1.5e1 ; o . z = vec3 ( 0 ) ; mat4 m = mat4 ( 1.0 ) ;
mat2x3 r = mat2x3 ( 1 , 2 , 3 , 4 , 5 , 6 ) ; tile [ id / 4 ] [ id % 4 ] = m [ 0 ] * push . scale ; memoryBarrierShared ( ) ; barrier ( ) ;
for ( int i = 0 , j = N ; i < j ; i ++ , j -- ) { ADD ( data [ i + push . offsets . x ] ) if ( FLAG && i > 2 || ! FLAG ) continue ; data [ j ] = add ( o . i [ 0 ] . x , CAT ( 1 , 2.5 ) ) ; }
ivec2 b = ivec2 ( floatBitsToInt ( data [ 0 ] ) , bitfieldExtract ( id , 2 , 3 ) ) ; b . yx ^= b << 2 ; float big = 1e30 , tiny = .5 ; int hex = 0x7f , oct = 017 ;
data [ id ] = dot ( tile [ 0 ] [ 1 ] , vec4 ( r [ 0 ] , 1 ) ) + pow ( abs ( big ) , tiny ) + mix ( 0.0 , 1.0 , float ( hex + oct ) ) + length ( o . z ) + float ( b . x ) + determinant ( m ) + float ( data . length ( ) ) ; }\n",
    "#version 450\n#extension GL_KHR_shader_subgroup_arithmetic : require\n#extension GL_EXT_shader_explicit_arithmetic_types : require\n#extension GL_EXT_null_initializer : enable
layout ( local_size_x_id = 1 , local_size_x = 64 ) in ; layout ( binding = 0 ) readonly restrict buffer A { uint16_t a [ ] ; } ; layout ( binding = 1 ) writeonly buffer B { float b [ ] ; } ;
layout ( binding = 2 , scalar ) buffer D { int64_t big [ ] ; } ; const uint lut [ ] = { 1u , 2u , 3u } ; shared uint n ; shared float part [ gl_WorkGroupSize . x ] ;
void main ( ) { uint i = gl_GlobalInvocationID . x ; float x = float ( a [ i ] ) ; float sum = subgroupAdd ( x ) ; atomicMax ( n , i ) ; if ( subgroupElect ( ) ) { part [ gl_SubgroupID ] = sum ; } barrier ( ) ;
float zero [ 4 ] = { } ; int64_t q = int64_t ( i ) * 5L ; uint8_t small = uint8_t ( lut [ i % 3u ] ) ; f16vec2 h = f16vec2 ( x , 1.0hf ) ; b [ i ] = part [ 0 ] + zero [ 1 ] + float ( q ) + float ( small ) + float ( h . y ) ; }\n",
    "#version 450\n#extension GL_EXT_buffer_reference : require\n#extension GL_EXT_buffer_reference2 : require\n#extension GL_EXT_control_flow_attributes : enable\n#extension GL_EXT_scalar_block_layout : enable
layout ( local_size_x = 1 ) in ; layout ( buffer_reference , std430 , buffer_reference_align = 4 ) buffer Node { uint value ; Node next ; } ; layout ( push_constant ) uniform P { Node head ; uint n ; } ;
layout ( std430 , binding = 0 ) buffer O { uint o [ ] ; } outs [ 2 ] ; layout ( binding = 3 , rgba8 ) uniform image2D img ; layout ( binding = 4 ) uniform sampler2D tex ; precision highp float ; invariant ;
subroutine uint S ( uint a ) ; uint fact ( uint a ) { return a < 2u ? 1u : a * 2u ; } void g ( out vec2 a , const in float b ) { a = vec2 ( b ) . yx ; }
void main ( ) { Node p = head ; [[ unroll ]] for ( uint i = 0 ; i < n ; ++ i ) { outs [ 0 ] . o [ i ] = p . value ; p = p . next ; } vec2 r ; g ( r , 2.0 ) ; imageStore ( img , ivec2 ( 0 ) , vec4 ( r , texelFetch ( tex , ivec2 ( 1 ) , 0 ) . xy ) ) ; outs [ 1 ] . o [ 0 ] = fact ( 3u ) ; }\n",
];

const ODD: [&str; 44] = [
    "",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ";",
    ",",
    "-1",
    "4294967296u",
    "1e999",
    "0x",
    "99999999",
    "\"",
    "/*",
    "//",
    "#",
    "\n",
    "\\\n",
    "##",
    "const",
    "struct",
    "struct S {",
    "buffer B {",
    "uniform",
    "shared",
    "float[]",
    "[1000000000]",
    "layout(",
    "out",
    "return",
    "void",
    "double",
    "mat4x3",
    "gl_WorkGroupSize",
    "1.0/0.0",
    "?",
    ":",
    ".xyzw",
    "\n#define X X X\n",
    "\n#if",
    "main",
    "atomic_uint",
];

/// A mutated program. Without libshaderc it is mostly the first one, which compiles without it.
fn spoilt(random: &mut Random, full: bool) -> Vec<u8> {
    let others = full || random.below(4) == 0;
    let program = RICH[if others { random.index(RICH.len()) } else { 0 }];
    // Line ends are tokens here, because they end directives.
    let mut words: Vec<&str> = program.split(' ').flat_map(|word| word.split_inclusive('\n')).collect();
    let kind = |word: &str| word.trim().chars().next().map_or(0, |c| if c.is_ascii_digit() { 1 } else { 2 + u8::from(c.is_alphabetic()) });
    for _ in 0..=random.below(5).saturating_sub(2) {
        let (at, other) = (random.index(words.len()), random.index(words.len()));
        match random.below(12) {
            0 => {
                words.remove(at);
            }
            1 => words.swap(at, other),
            2 => words.insert(at, words[other]),
            3 => words[at] = words[other],
            4 => {
                let end = (at + random.index(12)).min(words.len());
                words.drain(at..end);
            }
            5 => {
                let piece: Vec<&str> = words[at..(at + 1 + random.index(12)).min(words.len())].to_vec();
                words.splice(other..other, piece);
            }
            6 => words[at] = ODD[random.index(ODD.len())],
            // Names replace names, numbers replace numbers, and marks replace marks, so that many results are still valid programs.
            _ => {
                let alike: Vec<&str> = words.iter().copied().filter(|word| kind(word) == kind(words[at])).collect();
                words[at] = alike[random.index(alike.len())];
            }
        }
        if words.is_empty() {
            words.push("");
        }
    }
    let mut bytes = words.join(" ").into_bytes();
    if random.below(8) == 0 {
        let at = random.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = random.next() as u8;
        }
    }
    bytes
}

/// The first seed.
const FIRST: u64 = 4000;
/// The number of mutations in one process.
const STEPS: u64 = 250;

#[test]
fn seeded_mutations_survive() {
    let seed = Random::seed(FIRST);
    if !is_child() {
        // The mutations run in child processes. If a signal ends a child, the step is reported.
        let count = number("AVX_GPU_TEST_MUTATIONS").unwrap_or(STEPS);
        let given = std::env::var(VARIABLE).ok();
        for compiler in [Some("none"), given.as_deref()] {
            for start in (0..count).step_by(usize::try_from(STEPS).expect("small")) {
                let first = (seed + start).to_string();
                rerun("seeded_mutations_survive", &[(VARIABLE, compiler), ("AVX_GPU_TEST_SEED", Some(&first))]);
            }
        }
        return;
    }
    let Some(device) = Device::open() else { return };
    let full = has_shaderc(&device);
    if !full && std::env::var(VARIABLE).as_deref() != Ok("none") {
        assert!(std::env::var_os("CI").is_none(), "libshaderc is missing, but a run with CI=true requires it");
        return skip("libshaderc is not installed");
    }
    for program in if full { &RICH[..2] } else { &RICH[..1] } {
        ok(avx_kernel_free(text(program).kernel(&device)));
    }
    let mut good = 0;
    for step in 0..STEPS {
        let code = spoilt(&mut Random::new(seed + step), full);
        println!("AVX_GPU_TEST_SEED={}", seed + step);
        let (status, message) = outcome(&device, &format!("AVX_GPU_TEST_SEED={}", seed + step), &code);
        assert!(
            FINE.contains(&status),
            "AVX_GPU_TEST_SEED={}: {}: {message}\n{}",
            seed + step,
            name(status),
            String::from_utf8_lossy(&code)
        );
        good += u64::from(status == AVX_OK);
    }
    println!("{good} of {STEPS} still compile");
    // If no mutated program compiled, the mutations would test only the first checks.
    assert!(seed != FIRST || (good > 0 && good < STEPS / 2), "{good} of {STEPS} still compile");
}
