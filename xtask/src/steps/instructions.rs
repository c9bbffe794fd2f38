//! The number of instructions that a dispatch, a graph launch, and an allocation with its release cost on the null driver. Other
//! load on the machine does not change these numbers, so a small increase is visible and fails the step.

use crate::packages::Need;
use crate::report::Outcome;
use crate::session::Session;
use crate::test_drivers::Drivers;
use std::collections::BTreeMap;
use std::path::Path;

/// The seconds that the build may take on a small machine.
const BUILD_LIMIT: u64 = 1800;
/// The seconds for one run under callgrind, which makes the program about fifty times slower.
const RUN_LIMIT: u64 = 300;

/// The number of calls of the counted function that the program makes. For `alloc`, the number of pairs of calls.
const DISPATCHES: u64 = 10_000;

/// How much worse than the checked-in number a new number may be. Compilers differ, so the numbers do too.
const TOLERANCE: f64 = 1.1;

/// The file with the numbers.
const FILE: &str = "benches/instructions.txt";

/// Object files whose instructions are not the library's: the loader's trampolines and the driver.
const DRIVER: [&str; 2] = ["libvulkan.so", "libVkICD"];

/// The checked-in numbers: (mode, instructions of one dispatch). Empty if there is no such file.
pub(crate) fn checked_in(root: &Path) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ').and_then(|(mode, count)| Some((mode.to_owned(), count.trim().parse().ok()?)))).collect()
}

/// Counts the instructions and compares them with the checked-in numbers.
pub(crate) fn step(session: &mut Session, drivers: &Drivers) {
    let step = "instructions";
    if !session.report.wants(step) {
        return;
    }
    let null = match session.has(Need::Valgrind).and_then(|()| drivers.null.clone()) {
        Ok(null) => null.without_validation(),
        Err(why) => return session.report.step(step, || Outcome::skip(why)),
    };
    let build = session.cargo(BUILD_LIMIT).args(["build", "--release", "--package", "avx_gpu_bench", "--bin", "instructions"]);
    let build_log = session.log("instructions-build");
    let jobs: Vec<_> = checked_in(&session.root)
        .into_iter()
        .map(|(mode, expected)| {
            let profile = session.log(&format!("instructions-{mode}")).with_extension("callgrind");
            let job = session
                .job("valgrind", RUN_LIMIT)
                .arg("--tool=callgrind")
                .args(counted(&mode).iter().map(|function| format!("--toggle-collect={function}")))
                .arg(format!("--callgrind-out-file={}", profile.display()))
                .arg(session.target.join("release/instructions"))
                .arg(&mode)
                .envs(null.environment(&session.work));
            let log = session.log(&format!("instructions-{mode}"));
            (mode, expected, profile, job, log)
        })
        .collect();
    let mut remarks = Vec::new();
    session.report.step(step, || {
        if jobs.is_empty() {
            return Outcome::fail(format!("{FILE} has no number to compare with"));
        }
        let built = build.run(&build_log);
        if !built.ending.ok() {
            return Outcome::of(&built);
        }
        let mut outcome = Outcome::default();
        for (mode, expected, profile, job, log) in jobs {
            // A profile of an earlier run must not be taken for the profile of this run.
            let _ = std::fs::remove_file(&profile);
            let finished = job.run(&log);
            if !finished.ending.ok() {
                outcome.add(Outcome::of(&finished));
                continue;
            }
            let text = std::fs::read(&profile).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            let (own, driver) = split(&self_costs(&text));
            let remark = format!("{mode}: {own} instructions of the library's each ({expected} checked in), {driver} of the driver's");
            outcome.add(verdict(own, expected, &remark));
            remarks.push(remark);
        }
        outcome
    });
    remarks.iter().for_each(|remark| println!("{:<28} {remark}", ""));
}

/// The functions whose instructions are counted, by the symbols that C callers use.
fn counted(mode: &str) -> &'static [&'static str] {
    match mode {
        "alloc" => &["avx_gpu_alloc", "avx_gpu_free"],
        "launch" | "launch_slot" => &["avx_gpu_graph_launch"],
        _ => &["avx_gpu_dispatch"],
    }
}

/// Compares a count with the checked-in number.
fn verdict(own: u64, expected: u64, remark: &str) -> Outcome {
    if own == 0 {
        return Outcome::fail(format!("{remark}: callgrind counted no instructions of these functions"));
    }
    if own as f64 > expected as f64 * TOLERANCE {
        return Outcome::fail(format!("{remark}: more than {TOLERANCE} times; if the increase is intended, change {FILE}"));
    }
    if (own as f64) < expected as f64 / TOLERANCE {
        println!("better than {FILE} says; write {own} there");
    }
    Outcome::pass()
}

/// The instructions of one call: (in the library and in the C library functions that it calls, in the loader and the driver).
fn split(costs: &BTreeMap<String, u64>) -> (u64, u64) {
    let of_driver = |object: &str| DRIVER.iter().any(|name| object.contains(name));
    let sum = |driver: bool| costs.iter().filter(|(object, _)| of_driver(object) == driver).map(|(_, cost)| cost).sum::<u64>();
    (sum(false) / DISPATCHES, sum(true) / DISPATCHES)
}

/// The self cost of each object file in a callgrind profile. A line after `calls=` holds the cost of the called function, which is
/// already counted in the called function's own object.
fn self_costs(profile: &str) -> BTreeMap<String, u64> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut costs = BTreeMap::new();
    let (mut object, mut called) = ("", false);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("ob=") {
            object = full_name(&mut names, name);
        } else if let Some(name) = line.strip_prefix("cob=") {
            full_name(&mut names, name);
        } else if line.starts_with("calls=") {
            called = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let cost = line.split_whitespace().nth(1).and_then(|cost| cost.parse::<u64>().ok());
            if !std::mem::take(&mut called) {
                *costs.entry(object.to_owned()).or_default() += cost.unwrap_or(0);
            }
        }
    }
    costs
}

/// Resolves a name. callgrind writes a name out the first time, `(1) /lib/x.so`, and writes only its number from then on, `(1)`.
fn full_name<'a>(names: &mut BTreeMap<&'a str, &'a str>, name: &'a str) -> &'a str {
    match name.split_once(' ') {
        Some((number, name)) => {
            names.insert(number, name);
            name
        }
        None => names.get(name).copied().unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_summed_by_object_without_what_was_called() {
        let profile = "\
version: 1
positions: line
events: Ir

ob=(1) /t/instructions
fl=(1) a.rs
fn=(1) avx_dispatch
10 300
cob=(2) /l/libVkICD_mock_icd.so
cfn=(2) CmdDispatch
calls=5 0
+1 5000
* 100

ob=(2)
fn=(2)
0 5000

ob=(1)
fn=(3) other
7 100

totals: 5500
";
        let costs = self_costs(profile);
        assert_eq!(costs, BTreeMap::from([("/t/instructions".to_owned(), 500), ("/l/libVkICD_mock_icd.so".to_owned(), 5000)]));
        let scaled = costs.into_iter().map(|(object, cost)| (object, cost * DISPATCHES)).collect();
        assert_eq!(split(&scaled), (500, 5000));
    }

    #[test]
    fn ten_percent_more_are_too_many() {
        assert!(verdict(1000, 1000, "").ok() && verdict(1099, 1000, "").ok());
        assert!(!verdict(1101, 1000, "").ok() && !verdict(0, 1000, "").ok());
    }
}
