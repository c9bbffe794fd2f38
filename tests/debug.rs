//! Kernels that report (AVX_KERNEL_DEBUG): printf, failed assertions, and indices out of bounds.
//!
//! These tests have a binary of their own, because the log belongs to the whole process. For the same reason they run one at a time.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{is_child, rerun};
use common::*;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

static TURN: Mutex<()> = Mutex::new(());
static LINES: Mutex<Vec<(i32, String)>> = Mutex::new(Vec::new());

/// A compute device, with the log reserved for this test.
struct Debugged {
    device: Device,
    _turn: MutexGuard<'static, ()>,
}

/// Stores a line of the log.
unsafe extern "C" fn keep(record: *const avx_log_record, _user: *mut c_void) {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).push(line_of(record));
}

/// Returns the lines so far and clears the list.
fn lines() -> Vec<(i32, String)> {
    let lines = std::mem::take(&mut *LINES.lock().unwrap_or_else(PoisonError::into_inner));
    for (_, line) in &lines {
        assert!(!line.contains("validation:"), "{line}");
    }
    lines
}

/// The texts of the lines so far.
fn texts() -> Vec<String> {
    lines().into_iter().map(|(_, text)| text).collect()
}

impl Debugged {
    fn open() -> Option<Debugged> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let device = Device::open_computing()?;
        // The log level does not affect reports.
        ok(abi::set_log(Some(keep), null_mut(), AVX_LOG_ERROR));
        lines();
        Some(Debugged { device, _turn: turn })
    }

    /// A kernel that reports.
    #[track_caller]
    fn kernel(&self, label: &str, source: &str) -> avx_kernel {
        self.try_kernel(label, source).unwrap_or_else(|status| panic!("{} ({status}): {}", name(status), last_error()))
    }

    fn try_kernel(&self, label: &str, source: &str) -> Result<avx_kernel, avx_status> {
        make(self.device.handle, AVX_LANGUAGE_WGSL, AVX_KERNEL_DEBUG, label, source.as_bytes())
    }

    /// Runs a kernel and returns what it reported.
    #[track_caller]
    fn run(&self, kernel: avx_kernel, groups: [u32; 3], args: &[avx_arg]) -> Vec<String> {
        self.device.dispatch(kernel, groups, args);
        self.device.synchronize();
        texts()
    }
}

fn make(device: avx_device, language: u32, flags: u32, label: &str, code: &[u8]) -> Result<avx_kernel, avx_status> {
    let label = c(label);
    let options = avx_kernel_options {
        language,
        flags,
        label: label.as_ptr(),
        code: code.as_ptr().cast(),
        code_size: code.len() as u64,
        ..avx_kernel_options::zeroed()
    };
    let mut kernel = null_mut();
    match abi::kernel_create(device, &options, &mut kernel) {
        AVX_OK => Ok(kernel),
        status => Err(status),
    }
}

const THOUSAND: &str = "@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(50) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    printf(\"first of %u\", id.x);
    data[id.x] = id.x * 3u;
    printf(\"then %u\", data[id.x]);
    printf(\"%s\");
}";

#[test]
fn a_thousand_invocations_arrive_complete_and_in_order() {
    let Some(debugged) = Debugged::open() else { return };
    let kernel = debugged.kernel("thousand", &THOUSAND.replace("%s", "last"));
    let mut info = avx_kernel_properties::zeroed();
    ok(abi::kernel_info(kernel, &mut info));
    assert_eq!(info.arg_count, 1, "the buffer of reports is not an argument");
    let buffer = debugged.device.alloc(4000, AVX_MEMORY_DEVICE);
    for _ in 0..3 {
        let got = debugged.run(kernel, [20, 1, 1], &[arg_buffer(buffer)]);
        assert_eq!(got.len(), 3000);
        for i in 0..1000 {
            let start = format!("kernel 'thousand' ({i}, 0, 0): ");
            let own: Vec<&str> = got.iter().filter_map(|line| line.strip_prefix(&start)).collect();
            assert_eq!(own, [format!("first of {i}"), format!("then {}", i * 3), "last".to_owned()]);
        }
    }
}

#[test]
fn every_specifier_prints_as_in_c() {
    let Some(debugged) = Debugged::open() else { return };
    let kernel = debugged.kernel(
        "all",
        "@group(0) @binding(0) var<storage, read> x: array<f32>;
        @group(0) @binding(1) var<uniform> n: vec4<i32>;
        @compute @workgroup_size(1) fn main() {
            printf(\"%d %i %5d|%-5d|%05d %+d\", n.x, n.y, n.x, n.x, n.y, n.x);
            printf(\"%u %x %X %#x %08x %o\", n.y, 48879, 48879u, n.z, n.z, n.x);
            printf(\"%f %.2f %8.3f| %e %.1E %g %g\", x[0], x[1], x[1], x[2], x[2], x[0], x[2]);
            printf(\"%v2f %.1v3f %v4d %v2x\", vec2<f32>(x[0], x[1]), vec3<f32>(1, 2.5, -3), n, vec2<u32>(10u, 255u));
            printf(\"%d %u %d\", true, n.x > 5, x[1]);
            printf(\"100%% \\\"quoted\\\"\\tand \\\\ // no comment /* here */\\n\");
            printf(\"\");
        }",
    );
    let buffer = debugged.device.buffer_of(&[1.5_f32, -2.25, 123_456.79].map(f32::to_le_bytes).concat());
    let got = debugged.run(kernel, [1, 1, 1], &[arg_buffer(buffer), arg_bytes(&bytes_of(&[42, -7_i32 as u32, 255, 4]))]);
    let expected = [
        "42 -7    42|42   |-0007 +42",
        "4294967289 beef BEEF 0xff 000000ff 52",
        "1.500000 -2.25   -2.250| 1.234568e+05 1.2E+05 1.5 123457",
        "1.500000, -2.250000 1.0, 2.5, -3.0 42, -7, 255, 4 a, ff",
        "1 1 -2",
        "100% \"quoted\"\tand \\ // no comment /* here */",
        "",
    ];
    assert_eq!(got, expected.map(|text| format!("kernel 'all' (0, 0, 0): {text}")));
}

#[test]
fn wide_and_narrow_numbers_print() {
    let Some(debugged) = Debugged::open() else { return };
    let source = "@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        let big = (u64(id.x) + 1) << 40; printf(\"%lu %ld %lx %v2lu\", big, -i64(big), big, vec2<u64>(big, 3)); }";
    match debugged.try_kernel("wide", source) {
        Ok(kernel) => {
            let got = debugged.run(kernel, [1, 1, 1], &[]);
            assert_eq!(got, ["kernel 'wide' (0, 0, 0): 1099511627776 -1099511627776 10000000000 1099511627776, 3"]);
        }
        Err(status) => skip(&fails(status, AVX_ERROR_UNSUPPORTED)),
    }
    let source = "enable f16; @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        let half = f16(id.x) + 0.5h; printf(\"%f %v2g\", half, vec2<f16>(half, 2.0h)); }";
    match debugged.try_kernel("narrow", source) {
        Ok(kernel) => assert_eq!(debugged.run(kernel, [1, 1, 1], &[]), ["kernel 'narrow' (0, 0, 0): 0.500000 0.5, 2"]),
        Err(status) => skip(&fails(status, AVX_ERROR_UNSUPPORTED)),
    }
}

#[test]
fn what_finds_no_room_is_counted() {
    if !is_child() {
        rerun("what_finds_no_room_is_counted", &[("AVX_GPU_DEBUG_BYTES", Some("4096"))]);
        return;
    }
    let Some(debugged) = Debugged::open() else { return };
    let kernel = debugged.kernel("thousand", &THOUSAND.replace("%s", "last"));
    let buffer = debugged.device.alloc(4000, AVX_MEMORY_DEVICE);
    // The buffer of records is cleared for each dispatch.
    for _ in 0..3 {
        let mut got = debugged.run(kernel, [20, 1, 1], &[arg_buffer(buffer)]);
        let last = got.pop().expect("a line on what was lost");
        let lost: usize = last.split(' ').nth(2).and_then(|number| number.parse().ok()).expect("a number");
        tells(&last, &["kernel 'thousand'", "4096 bytes", "AVX_GPU_DEBUG_BYTES=16384"]);
        assert!(got.len() > 100 && got.len() + lost == 3000, "{} and {lost}", got.len());
        assert!(got.iter().all(|line| line.starts_with("kernel 'thousand' (")), "{got:#?}");
    }
}

#[test]
fn an_assertion_without_room_is_an_error_all_the_same() {
    if !is_child() {
        rerun("an_assertion_without_room_is_an_error_all_the_same", &[("AVX_GPU_DEBUG_BYTES", Some("256"))]);
        return;
    }
    let Some(debugged) = Debugged::open() else { return };
    let source = "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        for (var i = 0; i < 100; i++) { printf(\"%d\", i); }
        assert(id.x != 3u, \"never seen %u\", id.x); }";
    let kernel = debugged.kernel("full", source);
    debugged.device.dispatch(kernel, [1, 1, 1], &[]);
    let message = fails(avx_device_synchronize(debugged.device.handle, AVX_FOREVER), AVX_ERROR_ASSERTION);
    tells(&message, &["kernel 'full': assertion failed: id.x != 3u (line 3, column 9)", "no room"]);
    let got = texts();
    assert_eq!(got.len(), (256 - 12) / 20 + 1);
    tells(&got[got.len() - 1], &[&format!("{} more reports", 64 * 100 + 1 - (got.len() - 1))]);
}

#[test]
fn indices_out_of_bounds_are_reported() {
    let Some(debugged) = Debugged::open() else { return };
    let kernel = debugged.kernel(
        "bounds",
        "struct Item { v: vec3<f32>, a: array<u32, 4> }
@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> items: array<Item>;
@group(0) @binding(3) var<uniform> p: vec4<u32>;
@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = p.x + id.x;
    data[n] = 7u;
    var local = array<u32, 5>();
    local[n] = data[n + 1];
    atomicAdd(&counts[n], 1u);
    items[n].a[0] = 1u;
    items[1].a[n] = 2u;
    items[1].v[n] = 3.0;
    data[i32(n) - 1000] = 8u;
    data[min(n, 3u)] = local[0];
}",
    );
    let device = &debugged.device;
    let (data, counts) = (device.buffer_of_words(&[1, 2, 3, 4]), device.buffer_of_words(&[0; 8]));
    let items = device.buffer_of_words(&[0; 16]);
    let block = bytes_of(&[100, 0, 0, 0]);
    let args = [arg_buffer(data), arg_buffer(counts), arg_buffer(items), arg_bytes(&block)];
    let got = debugged.run(kernel, [1, 1, 1], &args);
    let expect = |text: &str, line: u32| {
        let start = format!("kernel 'bounds' (0, 0, 0): out of bounds: {text}; the last one was used instead (line {line}, column ");
        assert!(got.iter().any(|line| line.starts_with(&start)), "{start}\n{got:#?}");
    };
    expect("data[100], and data has 4 elements", 8);
    expect("data[101], and data has 4 elements", 10);
    expect("local[100], and local has 5 elements", 10);
    expect("counts[100], and counts has 8 elements", 11);
    expect("items[100], and items has 2 elements", 12);
    expect("items[1].a[100], and items[1].a has 4 elements", 13);
    expect("items[1].v[100], and items[1].v has 3 elements", 14);
    expect("data[-900], and data has 4 elements", 15);
    assert_eq!(got.len(), 8, "and nothing else: {got:#?}");
    assert_eq!(device.words(counts, 8), [0, 0, 0, 0, 0, 0, 0, 1], "kept inside as without the flag");
}

#[test]
fn a_failed_assertion_is_an_error_of_its_stream() {
    let Some(debugged) = Debugged::open() else { return };
    let source = "@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    assert(data[0] == 1u || id.x < 5u, \"x is %u\", id.x);
    assert(true);
    data[1] = 9u;
}";
    let kernel = debugged.kernel("strict", source);
    let device = &debugged.device;
    let (good, bad) = (device.buffer_of_words(&[1, 0]), device.buffer_of_words(&[0, 0]));
    let (first, second) = (device.stream(), device.stream());
    assert!(debugged.run(kernel, [1, 1, 1], &[arg_buffer(good)]).is_empty());
    ok(dispatch_on(first, kernel, [1, 1, 1], &[arg_buffer(good)]));
    ok(dispatch_on(second, kernel, [1, 1, 1], &[arg_buffer(bad)]));
    ok(avx_stream_synchronize(first, AVX_FOREVER));
    let message = fails(avx_stream_synchronize(second, AVX_FOREVER), AVX_ERROR_ASSERTION);
    tells(&message, &["kernel 'strict' (", "assertion failed: data[0] == 1u || id.x < 5u: x is ", "(line 3, column 5)", "and 2 more"]);
    let got = lines();
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|(level, line)| *level == AVX_LOG_ERROR && line.contains("assertion failed")), "{got:#?}");
    ok(avx_stream_synchronize(second, AVX_FOREVER));
    assert_eq!(device.words(bad, 2), [0, 9], "the kernel went on");
    // A read reports the failure as well, and only once.
    ok(dispatch(kernel, [1, 1, 1], &[arg_buffer(bad)]));
    let mut bytes = [0; 8];
    fails(read(bad, 0, &mut bytes), AVX_ERROR_ASSERTION);
    ok(read(bad, 0, &mut bytes));
    assert_eq!(lines().len(), 3);
}

#[test]
fn mistakes_show_the_users_text() {
    let Some(debugged) = Debugged::open() else { return };
    let body = |statements: &str| format!("@compute @workgroup_size(1) fn main() {{\n  {statements}\n}}");
    for (statements, says) in [
        ("printf(\"%d\", 1); let x: u32 = 1.5;", "k:2:24\n"),
        ("printf(\"%d %d\", 1, nothing);", "k:2:22\n"),
        ("printf(\"%d %q\", 1);", "k:2:14\n"),
        ("printf(\"%d\");", "1 specifiers, and 0 values"),
        ("assert(nothing > 1);", "k:2:10\n"),
    ] {
        let source = body(statements);
        let status = debugged.try_kernel("k", &source).expect_err(statements);
        let message = fails(status, AVX_ERROR_COMPILE);
        tells(&message, &[says, statements]);
        assert!(!message.contains("avx_debug") && !message.contains("bitcast"), "{message}");
    }
    // Formats are checked without the flag too. Values are not.
    let plain = |statements: &str| make(debugged.device.handle, AVX_LANGUAGE_WGSL, 0, "k", body(statements).as_bytes());
    tells(&fails(plain("printf(\"%q\", 1);").expect_err("a wrong format"), AVX_ERROR_COMPILE), &["k:2:11", "%q is not a specifier"]);
    ok(avx_kernel_free(plain("printf(\"%d\", 1); assert(false); ").expect("a kernel")));
}

#[test]
fn without_the_flag_nothing_is_reported() {
    let Some(debugged) = Debugged::open() else { return };
    let source = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
        @compute @workgroup_size(1) fn main() { printf(\"%u\", x[0]); assert(x[0] > 5u); x[100] = 3u; }";
    let kernel = debugged.device.kernel(source);
    let buffer = debugged.device.buffer_of_words(&[1]);
    assert!(debugged.run(kernel, [1, 1, 1], &[arg_buffer(buffer)]).is_empty());
    assert_eq!(debugged.device.words(buffer, 1), [3]);
}

#[test]
fn graphs_take_no_kernels_that_report() {
    let Some(debugged) = Debugged::open() else { return };
    let kernel = debugged.kernel("talker", "@compute @workgroup_size(1) fn main() { printf(\"here\"); }");
    let graph = debugged.device.graph(|stream| {
        tells(&fails(dispatch_on(stream, kernel, [1, 1, 1], &[]), AVX_ERROR_UNSUPPORTED), &["'talker'", "AVX_KERNEL_DEBUG", "graph"]);
    });
    ok(avx_graph_free(graph));
}

#[test]
fn large_grids_and_overlapping_arguments_report_too() {
    let Some(debugged) = Debugged::open() else { return };
    let limit = debugged.device.info().max_workgroup_count[1];
    let kernel = debugged.kernel(
        "large",
        "@group(0) @binding(0) var<storage, read_write> a: array<u32>;
        @group(0) @binding(1) var<storage, read_write> b: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3<u32>) {
            if (id.y + 1u == a[0]) { b[0] = 5u; printf(\"%u %u\", a[0], id.y); } }",
    );
    // More than ten million workgroups take a software driver too long.
    if limit < 10_000_000 {
        let buffer = debugged.device.buffer_of_words(&[limit + 2]);
        let got = debugged.run(kernel, [1, limit + 2, 1], &[arg_buffer(buffer), arg_buffer(buffer)]);
        assert_eq!(got, [format!("kernel 'large' (0, {}, 0): 5 {}", limit + 1, limit + 1)]);
    }
    let buffer = debugged.device.buffer_of_words(&[3]);
    let got = debugged.run(kernel, [1, 3, 1], &[arg_buffer(buffer), arg_buffer(buffer)]);
    assert_eq!(got, ["kernel 'large' (0, 2, 0): 5 2"], "with the same buffer as both arguments");
    let counts = debugged.device.buffer_of_words(&[1, 2, 1]);
    debugged.device.write(buffer, 0, &bytes_of(&[2]));
    let other = debugged.device.buffer_of_words(&[0]);
    let args = [arg_buffer(buffer), arg_buffer(other)];
    ok(abi::dispatch_indirect(null_mut(), kernel, counts, 0, args.as_ptr(), 2));
    debugged.device.synchronize();
    assert_eq!(texts(), ["kernel 'large' (0, 1, 0): 2 1"]);
}

#[test]
fn many_dispatches_before_one_wait() {
    let Some(debugged) = Debugged::open() else { return };
    let source = "var<immediate> number: u32; @compute @workgroup_size(2) fn main() { printf(\"number %u\", number); }";
    let kernel = debugged.kernel("many", source);
    for i in 0..100_u32 {
        debugged.device.dispatch(kernel, [1, 1, 1], &[arg_bytes(&i.to_le_bytes())]);
    }
    // The kernel is freed, but its reports are still read.
    ok(avx_kernel_free(kernel));
    debugged.device.synchronize();
    let got = texts();
    assert_eq!(got.len(), 200);
    for i in 0..100 {
        assert_eq!(got.iter().filter(|line| line.ends_with(&format!("): number {i}"))).count(), 2);
    }
    ok(avx_device_trim(debugged.device.handle));
    let kernel = debugged.kernel("many", source);
    assert_eq!(debugged.run(kernel, [1, 1, 1], &[arg_bytes(&[1, 0, 0, 0])]).len(), 2, "memory that was given back is taken again");
}

#[test]
fn sixteen_threads() {
    let Some(debugged) = Debugged::open() else { return };
    let device = Shared(&debugged.device);
    std::thread::scope(|scope| {
        for thread in 0..16_u32 {
            scope.spawn(move || {
                let device = device.get();
                let source = format!(
                    "var<immediate> round: u32;
                    @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                        printf(\"start {thread} %u\", round); if (round == 3u) {{ assert(id.x != 1u); }} printf(\"end {thread} %u\", round); }}"
                );
                let code = source.as_bytes();
                let kernel = make(device.handle, AVX_LANGUAGE_WGSL, AVX_KERNEL_DEBUG, &format!("t{thread}"), code).expect("a kernel");
                let stream = device.stream();
                for round in 0..5_u32 {
                    ok(dispatch_on(stream, kernel, [1, 1, 1], &[arg_bytes(&round.to_le_bytes())]));
                    let status = avx_stream_synchronize(stream, AVX_FOREVER);
                    if round == 3 {
                        tells(&fails(status, AVX_ERROR_ASSERTION), &[&format!("'t{thread}' (1, 0, 0)")]);
                    } else {
                        ok(status);
                    }
                }
            });
        }
    });
    let got = texts();
    assert_eq!(got.len(), 16 * (5 * 4 * 2 + 1));
    for thread in 0..16 {
        for x in 0..4 {
            let start = format!("kernel 't{thread}' ({x}, 0, 0): ");
            let own: Vec<&str> =
                got.iter().filter_map(|line| line.strip_prefix(&start)).filter(|line| !line.starts_with("assert")).collect();
            let expected: Vec<String> =
                (0..5).flat_map(|round| [format!("start {thread} {round}"), format!("end {thread} {round}")]).collect();
            assert_eq!(own, expected, "{start}");
        }
    }
}

#[test]
fn without_a_callback_they_go_to_stderr() {
    if !is_child() {
        let said = rerun("without_a_callback_they_go_to_stderr", &[("AVX_GPU_LOG", None)]);
        if !said.contains("SKIPPED") {
            let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("avx_gpu ")).collect();
            assert_eq!(
                lines,
                ["avx_gpu info: kernel 'talker' (0, 0, 0): on its own", "avx_gpu info: kernel 'talker' (0, 0, 0): on its own"]
            );
        }
        return;
    }
    let Some(device) = Device::open_computing() else { return };
    ok(abi::set_log(None, null_mut(), AVX_LOG_OFF));
    let source = b"@compute @workgroup_size(1) fn main() { printf(\"on its own\"); }";
    let kernel = make(device.handle, AVX_LANGUAGE_WGSL, AVX_KERNEL_DEBUG, "talker", source).expect("a kernel");
    device.dispatch(kernel, [1, 1, 1], &[]);
    device.synchronize();
    // Reports that no call waited for are logged when the device is destroyed.
    device.dispatch(kernel, [1, 1, 1], &[]);
    device.close();
}

#[test]
fn the_readme_says_what_is_so() {
    let Some(debugged) = Debugged::open() else { return };
    let readme = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README");
    let text = readme.split("```wgsl\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a kernel");
    let bindings = "@group(0) @binding(0) var<storage, read> x: array<f32>; @group(0) @binding(1) var<storage, read_write> y: array<f32>;";
    let kernel = debugged.kernel("roots", &format!("{bindings}\n{text}"));
    let x = debugged.device.buffer_of(&[1.0_f32, 4.0, 9.0, -2.0].map(f32::to_le_bytes).concat());
    let y = debugged.device.alloc(16, AVX_MEMORY_DEVICE);
    debugged.device.dispatch(kernel, [1, 1, 1], &[arg_buffer(x), arg_buffer(y)]);
    fails(avx_device_synchronize(debugged.device.handle, AVX_FOREVER), AVX_ERROR_ASSERTION);
    let got = texts();
    assert_eq!(got.len(), 6, "{got:#?}");
    let told = readme.lines().filter_map(|line| line.strip_prefix("avx_gpu ")?.split_once(": ")).map(|(_, line)| line);
    let told: Vec<&str> = told.collect();
    let own: Vec<&String> = got.iter().filter(|line| line.contains("(3, 0, 0)")).collect();
    assert_eq!(own, told);
}

/// The output of a GLSL compiler for debugPrintfEXT("%u of %v3u", gl_GlobalInvocationID.x, gl_WorkGroupID).
const PRINTF: &str = "OpCapability Shader
OpExtension \"SPV_KHR_non_semantic_info\"
%1 = OpExtInstImport \"NonSemantic.DebugPrintf\"
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %2 \"main\" %3 %4
OpExecutionMode %2 LocalSize 1 1 1
%5 = OpString \"%u of %v3u\"
OpDecorate %3 BuiltIn GlobalInvocationId
OpDecorate %4 BuiltIn WorkgroupId
%6 = OpTypeVoid
%7 = OpTypeFunction %6
%8 = OpTypeInt 32 0
%9 = OpTypeVector %8 3
%10 = OpTypePointer Input %9
%3 = OpVariable %10 Input
%4 = OpVariable %10 Input
%2 = OpFunction %6 None %7
%11 = OpLabel
%12 = OpLoad %9 %3
%13 = OpCompositeExtract %8 %12 0
%14 = OpLoad %9 %4
%15 = OpExtInst %6 %1 1 %5 %13 %14
OpReturn
OpFunctionEnd
";

#[test]
fn printf_instructions_of_spirv_report() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let Some(debugged) = Debugged::open() else { return };
    let arguments = ["--target-env", "spv1.3", "-o", "-", "-"];
    let child = Command::new("spirv-as").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        skip("spirv-as is not installed");
        return;
    };
    child.stdin.take().expect("piped").write_all(PRINTF.as_bytes()).expect("the assembler reads");
    let code = child.wait_with_output().expect("the assembler's output").stdout;
    let kernel =
        make(debugged.device.handle, AVX_LANGUAGE_SPIRV, AVX_KERNEL_DEBUG, "glsl", &code).unwrap_or_else(|_| panic!("{}", last_error()));
    let mut got = debugged.run(kernel, [2, 1, 1], &[]);
    got.sort();
    assert_eq!(got, ["kernel 'glsl' (0, 0, 0): 0 of 0, 0, 0", "kernel 'glsl' (1, 0, 0): 1 of 1, 0, 0"]);
}

/// The output of debugPrintfEXT in GLSL, if the system's GLSL compiler is installed.
#[test]
fn glsl_prints() {
    let Some(debugged) = Debugged::open() else { return };
    if !common::glsl::has_shaderc(&debugged.device) {
        assert!(std::env::var_os("CI").is_none(), "libshaderc is missing, but a run with CI=true requires it");
        return skip("libshaderc is not installed");
    }
    let source = "#version 450
#extension GL_EXT_debug_printf : require
layout(local_size_x = 2) in;
layout(binding = 0) buffer B { float b[]; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    b[i] = 0.5 * i;
    debugPrintfEXT(\"b[%u] is %.2f\", i, b[i]);
}
";
    let make = |flags| make(debugged.device.handle, AVX_LANGUAGE_GLSL, flags, "halves", source.as_bytes());
    let kernel = make(AVX_KERNEL_DEBUG).unwrap_or_else(|status| panic!("{}: {}", name(status), last_error()));
    let buffer = debugged.device.alloc(16, AVX_MEMORY_DEVICE);
    let mut told = debugged.run(kernel, [2, 1, 1], &[arg_buffer(buffer)]);
    told.sort();
    let want = [0, 1, 2, 3].map(|i| format!("kernel 'halves' ({i}, 0, 0): b[{i}] is {:.2}", 0.5 * i as f32));
    assert_eq!(told, want);
    // Without the flag nothing is printed.
    let kernel = make(0).unwrap_or_else(|status| panic!("{}: {}", name(status), last_error()));
    assert_eq!(debugged.run(kernel, [2, 1, 1], &[arg_buffer(buffer)]), [""; 0]);
    assert_eq!(debugged.device.words(buffer, 4), [0.0f32, 0.5, 1.0, 1.5].map(f32::to_bits));
}
