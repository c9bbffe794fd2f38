//! The table: the value of each peer, the ratio to hand-written Vulkan, the goal, and whether the goal is met.

use super::results::{Results, Value};

/// Whether lower or higher values are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    Lower,
    Higher,
}

/// The goal for the library.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    /// A ratio to the best hand-written way.
    Raw(f64),
    /// A number in the unit of the row. It applies to discrete GPUs only.
    Fixed(f64),
    /// There is no goal.
    None,
}

/// The param of the row.
#[derive(Clone, Copy, Debug)]
enum Param {
    Is(&'static str),
    /// The largest param that was measured.
    Largest,
}

struct Row {
    what: &'static str,
    bench: &'static str,
    param: Param,
    /// The peer that stands for the library.
    ours: &'static str,
    unit: &'static str,
    better: Better,
    goal: Goal,
}

const fn row(what: &'static str, bench: &'static str, param: Param, unit: &'static str, better: Better, goal: Goal) -> Row {
    Row { what, bench, param, ours: "ours", unit, better, goal }
}

const fn with(ours: &'static str, row: Row) -> Row {
    Row { ours, ..row }
}

use Better::{Higher, Lower};
use Goal::{Fixed, Raw};
use Param::{Is, Largest};

/// The goals for bandwidths on the device are ratios to what hand-written Vulkan reaches on the same GPU. On an H200, 0.97 of the
/// best copy is 4.1 TB/s.
const ROWS: [Row; 46] = [
    row("empty kernel, submit and wait", "latency", Is("submit_wait"), "us", Lower, Raw(1.1)),
    with("ours-graph", row("the same as a graph", "latency", Is("submit_wait"), "us", Lower, Goal::None)),
    row("dependent dispatches, each, recorded and run", "dispatch_dependent", Largest, "us", Lower, Raw(1.1)),
    row("the same, recorded once and replayed", "replay_dependent", Largest, "us", Lower, Raw(1.05)),
    row("independent dispatches, each, recorded and run", "dispatch_independent", Largest, "us", Lower, Raw(1.1)),
    row("the same, recorded once and replayed", "replay_independent", Largest, "us", Lower, Raw(1.05)),
    row("CPU time to queue one of 1,000, dependent", "encode", Is("dependent"), "ns", Lower, Goal::None),
    row("CPU time to queue one of 1,000, independent", "encode", Is("independent"), "ns", Lower, Goal::None),
    row("the library's own part, dependent (null driver)", "own_cpu_null", Is("dependent"), "ns", Lower, Fixed(100.0)),
    row("the library's own part, independent (null driver)", "own_cpu_null", Is("independent"), "ns", Lower, Fixed(100.0)),
    row("instructions of a dispatch like the one before (null driver)", "instructions", Is("same"), "", Lower, Fixed(600.0)),
    row("instructions of one with other buffers (null driver)", "instructions", Is("chain"), "", Lower, Fixed(600.0)),
    row("write 4 KiB from malloc memory", "latency", Is("write_4KiB"), "us", Lower, Fixed(1.0)),
    row("read 4 KiB", "latency", Is("read_4KiB"), "us", Lower, Fixed(14.0)),
    row("write 4 KiB, run, read 4 KiB", "latency", Is("round_trip_4KiB"), "us", Lower, Goal::None),
    row("write 64 KiB from malloc memory", "write", Is("64KiB"), "GB/s", Higher, Fixed(12.0)),
    row("write 16 MiB from malloc memory", "write", Is("16MiB"), "GB/s", Higher, Fixed(22.0)),
    row("write 1 GiB from malloc memory", "write", Is("1GiB"), "GB/s", Higher, Fixed(34.0)),
    row("read 16 MiB into malloc memory", "read", Is("16MiB"), "GB/s", Higher, Fixed(16.0)),
    row("read 1 GiB into malloc memory", "read", Is("1GiB"), "GB/s", Higher, Fixed(34.0)),
    row("pinned (host-visible buffer) to the device", "pinned_write", Largest, "GB/s", Higher, Fixed(50.0)),
    row("the device to pinned", "pinned_read", Largest, "GB/s", Higher, Fixed(50.0)),
    row("registered memory to the device", "registered_write", Largest, "GB/s", Higher, Fixed(50.0)),
    row("the device to registered memory", "registered_read", Largest, "GB/s", Higher, Fixed(50.0)),
    row("copy on the device, read + written", "copy", Largest, "GB/s", Higher, Raw(0.97)),
    row("copy on the device, 16 MiB", "copy", Is("16MiB"), "GB/s", Higher, Goal::None),
    row("copy on the device, 64 KiB", "copy", Is("64KiB"), "GB/s", Higher, Goal::None),
    row("fill", "fill", Largest, "GB/s", Higher, Goal::None),
    row("saxpy vec4", "saxpy", Largest, "GB/s", Higher, Raw(0.99)),
    row("triad vec4", "triad", Largest, "GB/s", Higher, Raw(0.99)),
    row("tiled f32 GEMM in WGSL, safe against unchecked", "gemm", Largest, "TFLOP/s", Higher, Raw(0.95)),
    row("alloc + free of mixed sizes, pair", "alloc_pair", Is("mixed"), "us", Lower, Fixed(0.4)),
    row("live allocations, each", "alloc_live", Largest, "us", Lower, Fixed(1.0)),
    row("create, warm", "create", Is("warm"), "ms", Lower, Raw(1.03)),
    row("compile saxpy, cold", "compile", Is("saxpy_cold"), "ms", Lower, Goal::None),
    row("compile saxpy, warm", "compile", Is("saxpy_warm"), "ms", Lower, Fixed(0.5)),
    row("a hundred kernels, one after the other, cold", "compile_100", Is("cold"), "ms", Lower, Goal::None),
    row("a hundred kernels, one after the other, warm", "compile_100", Is("warm"), "ms", Lower, Goal::None),
    row("a hundred kernels by eight threads, cold", "compile_100_threads", Is("cold"), "ms", Lower, Goal::None),
    row("a hundred kernels by eight threads, warm", "compile_100_threads", Is("warm"), "ms", Lower, Goal::None),
    row("resident memory after the first kernel, warm", "resident", Is("warm"), "MiB", Lower, Fixed(90.0)),
    row("16 threads queue jobs", "threads_queue", Is("16"), "k/s", Higher, Goal::None),
    with("ours-streams", row("16 threads queue jobs, a stream each", "threads_queue", Is("16"), "k/s", Higher, Goal::None)),
    row("16 threads queue a job and read, again and again", "threads_wait", Is("16"), "k/s", Higher, Goal::None),
    row("two chains of small grids on two streams (1: at once)", "overlap", Is("small_grids"), "x", Lower, Goal::None),
    row("kernel beside an upload on two streams (1: at once)", "overlap", Is("kernel_and_upload"), "x", Lower, Goal::None),
];

/// The table as Markdown with aligned columns, and a line with the number of goals that are met.
pub(crate) fn table(results: &Results) -> String {
    let head = ["what", "unit", "raw Vulkan", "ours", "wgpu", "CUDA", "ours / raw", "goal", "met"].map(str::to_owned);
    let mut lines = vec![head];
    let (mut met, mut judged) = (0, 0);
    for row in &ROWS {
        let param = match row.param {
            Is(param) => Some(param),
            Largest => results.largest(row.bench),
        };
        let Some(param) = param else { continue };
        let cells = cells(results, row, param);
        let Some((cells, verdict)) = cells else { continue };
        judged += i32::from(verdict.is_some());
        met += i32::from(verdict == Some(true));
        lines.push(cells);
    }
    let mut text = aligned(&lines);
    text += &format!("\n{met} of {judged} goals met. A cell is a median, with the tenth and the ninetieth of a hundred samples.\n");
    if software(results) {
        text += "Goals in numbers are for a discrete GPU and are not judged on a software driver.\n";
    }
    text
}

/// A line of the table, and whether its goal is met if it has a goal that can be judged. `None` if nothing was measured.
fn cells(results: &Results, row: &Row, param: &str) -> Option<([String; 9], Option<bool>)> {
    let get = |peer: &str| results.get(peer, row.bench, param);
    let raw = results
        .peers(row.bench)
        .into_iter()
        .filter(|peer| *peer == "raw" || peer.starts_with("raw-"))
        .filter_map(get)
        .reduce(|a, b| if better(row.better, b.median, a.median) { b } else { a });
    let ours = get(row.ours);
    if raw.is_none() && ours.is_none() {
        return None;
    }
    let ratio = raw.zip(ours).map(|(raw, ours)| ours.median / raw.median).filter(|ratio| ratio.is_finite());
    let sign = if row.better == Lower { "<=" } else { ">=" };
    let reached = |value: f64, goal: f64| value == goal || better(row.better, value, goal);
    let (goal, verdict) = match row.goal {
        Raw(goal) => (format!("{sign} {goal} x raw"), ratio.map(|ratio| reached(ratio, goal))),
        Fixed(goal) => (format!("{sign} {goal}"), ours.filter(|_| !software(results)).map(|ours| reached(ours.median, goal))),
        Goal::None => (String::new(), None),
    };
    let what = match row.param {
        Is(_) => row.what.to_owned(),
        Largest => format!("{} ({param})", row.what),
    };
    let wgpu = match (get("wgpu"), get("wgpu-checked")) {
        (Some(value), Some(checked)) => format!("{}; checked {}", number(value.median), number(checked.median)),
        (value, _) => value.map_or(String::new(), |v| number(v.median)),
    };
    let cells = [
        what,
        row.unit.to_owned(),
        raw.map_or(String::new(), with_spread),
        ours.map_or(String::new(), with_spread),
        wgpu,
        get("cuda").map_or(String::new(), |v| number(v.median)),
        ratio.map_or(String::new(), |r| format!("{r:.2}")),
        goal,
        verdict.map_or("", |met| if met { "yes" } else { "NO" }).to_owned(),
    ];
    Some((cells, verdict))
}

fn better(which: Better, a: f64, b: f64) -> bool {
    match which {
        Lower => a < b,
        Higher => a > b,
    }
}

/// Whether the measured driver runs on the CPU.
fn software(results: &Results) -> bool {
    results.device().is_some_and(|device| ["llvmpipe", "SwiftShader", "Mock"].iter().any(|name| device.contains(name)))
}

fn with_spread(value: Value) -> String {
    let (low, high) = value.spread;
    let median = number(value.median);
    if low == high { median } else { format!("{median} ({} to {})", number(low), number(high)) }
}

/// Three significant digits.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 || v == 0.0 => 2,
        v if v >= 0.1 => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

fn aligned(lines: &[[String; 9]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 9] = std::array::from_fn(width);
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text += &format!("| {} |\n", cells.join(" | "));
        if i == 0 {
            text += &format!("|{}|\n", widths.map(|width| "-".repeat(width + 2)).join("|"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(text: &str) -> Results {
        let mut results = Results::default();
        results.add(text);
        results
    }

    #[test]
    fn ratios_are_to_the_best_by_hand_and_goals_are_judged() {
        let results = results(
            "# device: NVIDIA\nraw-kernel,copy,1GiB,4000,GB/s\nraw-command,copy,1GiB,800,GB/s\nours,copy,1GiB,3000,GB/s\n\
             raw,latency,submit_wait,10,us\nours,latency,submit_wait,10.5,us\nwgpu,latency,submit_wait,25,us\n",
        );
        let table = table(&results);
        let copy = table.lines().find(|line| line.contains("copy on the device")).unwrap();
        assert!(copy.contains("| 0.75 ") && copy.contains("| NO ") && copy.contains("(1GiB)"), "{copy}");
        let latency = table.lines().find(|line| line.contains("empty kernel")).unwrap();
        assert!(latency.contains("| 1.05 ") && latency.contains("| yes ") && latency.contains("| 25.0 "), "{latency}");
        assert!(table.contains("1 of 2 goals met"), "{table}");
    }

    #[test]
    fn numbers_are_not_judged_on_a_software_driver() {
        let results = results("# device: llvmpipe\nours,write,16MiB,5,GB/s\nraw,write,16MiB,6,GB/s\n");
        let table = table(&results);
        assert!(table.contains("0 of 0 goals") && table.contains(">= 22") && table.contains("not judged"), "{table}");
    }

    #[test]
    fn columns_line_up() {
        let table = table(&results("ours,gemm,256,0.5,TFLOP/s\nraw,gemm,256,0.5,TFLOP/s\n"));
        let lengths: Vec<usize> = table.lines().take_while(|line| line.starts_with('|')).map(|line| line.chars().count()).collect();
        assert!(lengths.len() == 3 && lengths.iter().all(|length| *length == lengths[0]));
    }
}
