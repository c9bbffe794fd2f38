//! AVX_GPU_TRACE writes a file of trace events that viewers can open. Its rows nest, and streams overlap if they may.
//!
//! This test has a binary of its own, because the trace covers the whole process, and its rows must come from one test.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{Folder, is_child, rerun};
use common::*;
use std::collections::HashMap;
use std::ptr::null_mut;

/// Runs for a while on a few cores of the device.
const SLOW: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> rounds: vec4<u32>;
@compute @workgroup_size(64) fn slow(@builtin(global_invocation_id) id: vec3<u32>) {
    var v = x[id.x];
    for (var i = 0u; i < rounds.x; i++) { v = v * 1664525u + (v >> 7u); }
    x[id.x] = v;
}";

/// The work of the traced process: two streams over disjoint halves of a buffer, then over the same half; a copy, a graph, a read.
#[test]
fn traced_work() {
    if !is_child() {
        return;
    }
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(SLOW);
    let (a, b) = (device.stream(), device.stream());
    let buffer = device.alloc(8192, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
    let rounds = bytes_of(&[if device.is_cpu() { 20_000 } else { 400_000 }, 0, 0, 0]);
    device.synchronize();
    let run = |stream, offset| ok(dispatch_on(stream, kernel, [16, 1, 1], &[arg_range(buffer, offset, 4096), arg_bytes(&rounds)]));
    for _ in 0..3 {
        run(a, 0);
        run(b, 4096);
    }
    device.synchronize();
    ok(copy((buffer, 0), (buffer, 4096), 1000));
    device.synchronize();
    for _ in 0..3 {
        run(a, 0);
        run(b, 0);
    }
    let graph = device.graph(|stream| ok(dispatch_on(stream, kernel, [16, 1, 1], &[arg_range(buffer, 0, 4096), arg_bytes(&rounds)])));
    ok(launch(null_mut(), graph, &[]));
    device.read(buffer, 0, 4096);
    println!("queues: {}", u8::from(!device.is_cpu() && std::env::var("AVX_GPU_BASELINE").is_err()));
    device.close();
}

/// A complete event: its row, name, and times in nanoseconds.
#[derive(Debug)]
struct Span {
    row: (u64, u64),
    name: String,
    start: u64,
    end: u64,
}

/// The value of `"key":`, up to the next comma or brace.
fn value<'a>(line: &'a str, key: &str) -> &'a str {
    let from = line.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("no {key} in {line}")) + key.len() + 3;
    let rest = &line[from..];
    &rest[..rest.find([',', '}']).expect("events end")]
}

/// Converts microseconds with three decimals to nanoseconds.
fn nanoseconds(text: &str) -> u64 {
    let (whole, part) = text.split_once('.').expect("three decimals");
    assert_eq!(part.len(), 3, "{text}");
    whole.parse::<u64>().expect("a number") * 1000 + part.parse::<u64>().expect("a number")
}

fn spans(text: &str) -> Vec<Span> {
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.first(), lines.last()), (Some(&"["), Some(&"]")), "an array");
    let events = &lines[1..lines.len() - 1];
    for (i, line) in events.iter().enumerate() {
        let body = if i + 1 < events.len() { line.strip_suffix(',').expect("a comma between events") } else { line };
        assert!(body.starts_with('{') && body.ends_with('}') && body.matches('"').count() % 2 == 0, "an object: {line}");
    }
    let complete = events.iter().filter(|line| value(line, "ph") == "\"X\"");
    let number = |line: &str, key| value(line, key).parse().unwrap_or_else(|_| panic!("{key} of {line}"));
    complete
        .map(|line| {
            let start = nanoseconds(value(line, "ts"));
            let end = start + nanoseconds(value(line, "dur"));
            Span { row: (number(line, "pid"), number(line, "tid")), name: value(line, "name").trim_matches('"').to_owned(), start, end }
        })
        .collect()
}

#[test]
fn the_trace_nests_and_shows_order_and_overlap() {
    let Some(device) = Device::open_computing() else { return };
    drop(device);
    let folder = Folder::new("trace");
    let file = folder.path().join("trace.json");
    let said = rerun("traced_work", &[("AVX_GPU_TRACE", file.to_str()), ("AVX_GPU_VALIDATION", None)]);
    let text = std::fs::read_to_string(&file).expect("the trace was written");
    let spans = spans(&text);
    // Rows nest: a span begins outside all others, or inside a span that does not end before it.
    let mut rows: HashMap<(u64, u64), Vec<&Span>> = HashMap::new();
    spans.iter().for_each(|span| rows.entry(span.row).or_default().push(span));
    for row in rows.values_mut() {
        row.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut open: Vec<&Span> = Vec::new();
        for span in row.iter() {
            open.retain(|outer| outer.end > span.start);
            assert!(open.iter().all(|outer| span.end <= outer.end), "{span:?} leaves {open:?}");
            open.push(span);
        }
    }
    let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
    for call in ["avx_create", "avx_dispatch", "avx_read", "avx_destroy", "compile", "wait", "copy", "graph"] {
        assert!(count(call) > 0, "no {call} in the trace: {text}");
    }
    let slow: Vec<&Span> = spans.iter().filter(|span| span.name == "slow").collect();
    assert_eq!(slow.len(), 12, "{text}");
    let mut rows: Vec<(u64, u64)> = slow.iter().map(|span| span.row).collect();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), 2, "a row for each stream");
    let of = |row: (u64, u64)| slow.iter().filter(move |span| span.row == row).copied().collect::<Vec<_>>();
    let (a, b) = (of(rows[0]), of(rows[1]));
    let overlap = |x: &Span, y: &Span| x.start < y.end.saturating_sub(2000) && y.start < x.end.saturating_sub(2000);
    if said.contains("queues: 1") {
        let some = a[..3].iter().any(|x| b[..3].iter().any(|y| overlap(x, y)));
        assert!(some, "disjoint halves on two queues do not overlap: {a:?} {b:?}");
    }
    for x in &a[3..] {
        for y in &b[3..] {
            assert!(!overlap(x, y), "the same bytes at the same time: {x:?} {y:?}");
        }
    }
    if let Ok(keep) = std::env::var("AVX_GPU_TEST_KEEP_TRACE") {
        std::fs::copy(&file, keep).expect("the trace can be kept");
    }
}
