//! `cargo xtask bench`: builds and runs the benchmarks and prints the table of results. It can also make the table from results of
//! another machine.

pub(crate) mod results;
pub(crate) mod table;

use crate::report::Report;
use crate::session::{self, Session};
use crate::setup;
use crate::test_drivers::Drivers;
use results::Results;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The seconds that a build may take on a small machine.
const BUILD_LIMIT: u64 = 1800;
/// The seconds that one program of the suite may take.
const RUN_LIMIT: u64 = 900;

/// The options of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Whether wgpu and CUDA are measured too.
    pub(crate) peers: bool,
    /// Words for the benchmark programs: --small, --huge, groups.
    pub(crate) words: Vec<String>,
    /// The file that the lines are written to.
    pub(crate) csv: Option<PathBuf>,
    /// Files with results. If there are any, the table is made from them and nothing is measured.
    pub(crate) from: Vec<PathBuf>,
}

/// Runs the command. Returns false if a program failed or a result was wrong.
pub(crate) fn run(wanted: &Wanted) -> Result<bool, String> {
    if !wanted.from.is_empty() {
        let results = Results::read(&wanted.from)?;
        show(&results);
        return Ok(!results.is_empty());
    }
    let (root, target) = session::folders()?;
    let found = setup::probe(&target.join("xtask"));
    let session = Session::new(root, target, found, Report::default());
    session.make_folders()?;
    let folder = session.target.join("release");

    println!("Building the benchmarks (minutes, the first time)");
    build(&session, "bench", &[])?;
    if wanted.peers {
        build(&session, "bench_wgpu", &["--features", "wgpu"])?;
    }
    let mut lines = String::new();
    let mut fine = measure(&session, &mut lines, "bench", &folder.join("bench"), &wanted.words, &[]);
    fine &= null_driver(&session, &mut lines, &folder.join("bench"));
    if wanted.peers {
        fine &= measure(&session, &mut lines, "bench_wgpu", &folder.join("bench_wgpu"), &wanted.words, &[]);
        fine &= cuda(&session, &mut lines, &wanted.words);
    }
    for (mode, count) in crate::steps::checked_in_instructions(&session.root) {
        lines += &format!("ours,instructions,{mode},{count},\n");
    }
    let csv = wanted.csv.clone().unwrap_or_else(|| session.work.join("bench.csv"));
    std::fs::write(&csv, &lines).map_err(|e| format!("cannot write {}: {e}", csv.display()))?;
    let mut results = Results::default();
    results.add(&lines);
    show(&results);
    println!("The lines are in {}; cargo xtask plot {} FOLDER draws them.", csv.display(), csv.display());
    Ok(fine)
}

fn show(results: &Results) {
    if let Some(device) = results.device() {
        println!("\n{device}");
    }
    println!("\n{}", table::table(results));
    for note in results.notes.iter().filter(|note| note.starts_with("WRONG") || note.starts_with("FAILED")) {
        println!("{note}");
    }
}

fn build(session: &Session, program: &str, words: &[&str]) -> Result<(), String> {
    let job = session.cargo(BUILD_LIMIT).args(["build", "--release", "--package", "avx_gpu_bench", "--bin", program]).args(words);
    session.show("cargo build", job)
}

/// Runs one program and appends its lines. Returns false if the program failed. The program gets the caller's environment, so
/// AVX_GPU_DEVICE and the like work as they do for any program.
fn measure(session: &Session, lines: &mut String, name: &str, program: &Path, words: &[String], more: &[(OsString, OsString)]) -> bool {
    println!("Running {name} {}", words.join(" "));
    let environment = std::env::vars_os().chain(more.iter().cloned());
    let finished = session.job(program, RUN_LIMIT).args(words).envs(environment).run(&session.log(&format!("bench-{name}")));
    lines.push_str(&finished.stdout);
    if !finished.ending.ok() {
        *lines += &format!("# FAILED: {name}: {}\n", finished.ending.words());
        eprintln!("{name}: {}", finished.tail(10));
    }
    finished.ending.ok()
}

/// Measures the library's own time on the null driver. This needs the null driver that a run of the tests builds.
fn null_driver(session: &Session, lines: &mut String, program: &Path) -> bool {
    match Drivers::find(session, false).null {
        Ok(null) => {
            let words = ["--null", "encode"].map(str::to_owned);
            let mut own = String::new();
            let fine = measure(session, &mut own, "bench-null", program, &words, &null.environment(&session.work));
            // The table is not about the null driver's device.
            lines.extend(own.lines().filter(|line| !line.starts_with("# device")).flat_map(|line| [line, "\n"]));
            fine
        }
        Err(why) => {
            println!("There is no null driver, so the library's own time cannot be separated from the driver's: {why}");
            true
        }
    }
}

/// Measures CUDA if nvcc is installed.
fn cuda(session: &Session, lines: &mut String, words: &[String]) -> bool {
    let program = session.work.join("cuda_peer");
    let source = session.root.join("benches/cuda/peer.cu");
    let compiled = session
        .job("nvcc", BUILD_LIMIT)
        .args(["-O3", "-std=c++17", "-arch=native"])
        .arg(source)
        .arg("-o")
        .arg(&program)
        .args(["-lcublas", "-lnvrtc", "-lcuda"])
        .run(&session.log("bench-nvcc"));
    if !compiled.ending.ok() {
        println!("CUDA is not measured: nvcc: {}", compiled.ending.words());
        return true;
    }
    // This program takes the same options as the others, but no groups.
    let options: Vec<String> = words.iter().filter(|word| word.starts_with("--")).cloned().collect();
    let mut fine = true;
    for state in ["cold", "warm"] {
        let words = ["--startup", state].map(str::to_owned);
        fine &= measure(session, lines, &format!("cuda-{state}"), &program, &words, &[]);
    }
    fine & measure(session, lines, "cuda", &program, &options, &[])
}
