//! The report on a run: progress while it runs, and at the end what passed, failed and was skipped.

use crate::run::{Finished, last_lines};
use std::io::Write;
use std::time::Instant;

/// The number of lines that a failure shows of stdout and of stderr.
const TAIL: usize = 40;

/// The number of names in a line of tests that were skipped for the same reason.
const NAMES: usize = 12;

/// A test that failed or was skipped, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// The test's name within its step; empty if the step is one test.
    pub(crate) name: String,
    /// The last lines of its output, or the reason why it was skipped.
    pub(crate) why: String,
}

/// The outcome of a step: of one test or of a suite of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The number of tests that passed.
    pub(crate) passed: u64,
    /// The tests that failed.
    pub(crate) failed: Vec<Note>,
    /// The tests that were skipped.
    pub(crate) skipped: Vec<Note>,
}

impl Outcome {
    /// One test that passed.
    pub(crate) fn pass() -> Outcome {
        Outcome { passed: 1, ..Outcome::default() }
    }

    /// One test that failed.
    pub(crate) fn fail(why: impl Into<String>) -> Outcome {
        Outcome { failed: vec![Note { name: String::new(), why: why.into() }], ..Outcome::default() }
    }

    /// One test that was skipped.
    pub(crate) fn skip(why: impl Into<String>) -> Outcome {
        Outcome { skipped: vec![Note { name: String::new(), why: why.into() }], ..Outcome::default() }
    }

    /// Passed if the process ended with exit code 0, else failed with the end of its output.
    pub(crate) fn of(finished: &Finished) -> Outcome {
        if finished.ending.ok() { Outcome::pass() } else { Outcome::fail(finished.tail(TAIL)) }
    }

    /// Adds another outcome to this one.
    pub(crate) fn add(&mut self, other: Outcome) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
    }

    /// Whether nothing failed.
    pub(crate) fn ok(&self) -> bool {
        self.failed.is_empty()
    }

    /// "12 passed, 1 failed, 3 skipped" without the zeros.
    fn words(&self) -> String {
        let counts = [(self.passed, "passed"), (self.failed.len() as u64, "failed"), (self.skipped.len() as u64, "skipped")];
        let parts: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        if parts.is_empty() { "nothing to run".to_owned() } else { parts.join(", ") }
    }
}

/// The report on a run.
#[derive(Default)]
pub(crate) struct Report {
    sum: Outcome,
    /// Only steps whose name contains one of these texts are wanted. Without texts, all steps are.
    filters: Vec<String>,
}

impl Report {
    /// An empty report. `filters` are parts of the names of wanted steps; without them all steps are wanted.
    pub(crate) fn new(filters: Vec<String>) -> Report {
        Report { sum: Outcome::default(), filters }
    }

    /// Whether the step of this name is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|f| name.contains(f.as_str()))
    }

    /// Runs a step if it is wanted.
    pub(crate) fn step(&mut self, name: &str, action: impl FnOnce() -> Outcome) {
        if self.wants(name) {
            self.must(name, action);
        }
    }

    /// Runs a step that other steps need, even if it is not wanted. Returns true if nothing failed.
    pub(crate) fn must(&mut self, name: &str, action: impl FnOnce() -> Outcome) -> bool {
        print!("{name:<28} ");
        // A closed stdout must not end the run, because the exit code still counts.
        let _ = std::io::stdout().flush();
        let start = Instant::now();
        let mut outcome = action();
        println!("{:>6.1} s  {}", start.elapsed().as_secs_f64(), outcome.words());
        for note in outcome.failed.iter_mut().chain(&mut outcome.skipped) {
            note.name = if note.name.is_empty() { name.to_owned() } else { format!("{name}: {}", note.name) };
        }
        let ok = outcome.ok();
        self.sum.add(outcome);
        ok
    }

    /// The text of the report: skipped tests with reasons, failed tests with the end of their output, and the counts on the last line.
    pub(crate) fn account(&self) -> String {
        let mut text = String::new();
        if !self.sum.skipped.is_empty() {
            text += "\nSkipped:\n";
            for (names, why) in grouped(&self.sum.skipped) {
                let more = names.len().saturating_sub(NAMES);
                let names = names[..names.len() - more].join(", ");
                text += &if more == 0 { format!("  {names}: {why}\n") } else { format!("  {names} and {more} more: {why}\n") };
            }
        }
        for note in &self.sum.failed {
            text += &format!("\nFAILED {}\n", note.name);
            for line in note.why.lines() {
                text += &format!("    {line}\n");
            }
        }
        text + &format!("\n{} passed, {} failed, {} skipped\n", self.sum.passed, self.sum.failed.len(), self.sum.skipped.len())
    }

    /// Whether nothing failed.
    pub(crate) fn ok(&self) -> bool {
        self.sum.ok()
    }
}

/// Groups the skipped tests by reason, with one line for each reason. Of a reason with several lines, only the last one is shown.
fn grouped(skips: &[Note]) -> Vec<(Vec<&str>, String)> {
    let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
    for skip in skips {
        let why = last_lines(&skip.why, 1).trim().to_owned();
        match groups.iter_mut().find(|(_, w)| *w == why) {
            Some((names, _)) => names.push(&skip.name),
            None => groups.push((vec![&skip.name], why)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_ends_with_the_counts_alone() {
        let mut report = Report::new(Vec::new());
        report.step("a", Outcome::pass);
        report.step("b", || Outcome::skip("no GPU"));
        report.step("c", || Outcome {
            passed: 5,
            failed: vec![Note { name: "t".into(), why: "line 1\nline 2".into() }],
            skipped: vec![Note { name: "u".into(), why: "no GPU".into() }],
        });
        let account = report.account();
        assert!(account.contains("  b, c: u: no GPU\n"), "{account}");
        assert!(account.contains("FAILED c: t\n    line 1\n    line 2\n"), "{account}");
        assert_eq!(account.lines().last(), Some("6 passed, 1 failed, 2 skipped"));
        assert!(!report.ok());
    }

    #[test]
    fn many_skips_for_one_reason_stay_one_short_line() {
        let mut report = Report::default();
        let skipped = (0..20).map(|i| Note { name: format!("t{i}"), why: "first line\nno GPU".into() }).collect();
        report.step("s", || Outcome { skipped, ..Outcome::default() });
        assert!(report.account().contains("s: t11 and 8 more: no GPU\n"));
        assert_eq!(report.account().lines().last(), Some("0 passed, 0 failed, 20 skipped"));
    }

    #[test]
    fn filters_choose_steps_but_not_what_they_stand_on() {
        let mut report = Report::new(vec!["py".into(), "valgrind".into()]);
        report.step("cmake", || unreachable!("not wanted"));
        report.step("python", Outcome::pass);
        assert!(report.must("build", Outcome::pass));
        assert_eq!(report.account(), "\n2 passed, 0 failed, 0 skipped\n");
        assert!(report.ok() && Report::new(Vec::new()).wants("anything"));
    }
}
