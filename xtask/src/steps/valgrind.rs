//! Runs the C tests under valgrind: no access outside allocated memory. The null driver runs all of the library's code without the
//! findings that a real driver causes. lavapipe runs the tests with results.

use super::cmake::{self, Built, Test};
use crate::drivers::Configuration;
use crate::packages::Need;
use crate::report::{Note, Outcome};
use crate::run::Ending;
use crate::session::Session;
use crate::test_drivers::Drivers;

/// The seconds for one test. valgrind makes a test about thirty times slower.
const LIMIT: u64 = 600;

/// The number of lines of valgrind's findings that a failure shows.
const FINDINGS: usize = 60;

/// Tests with these labels are examples, builds or an interpreter, for which valgrind is of no use.
const LEFT_OUT: [&str; 3] = ["example", "consumer", "python"];

/// The exit code of a C test that cannot run here.
const SKIPPED: i32 = 77;

/// Runs the C tests on both drivers.
pub(crate) fn suites(session: &mut Session, tree: &Built, drivers: &Drivers) {
    suite(session, tree, "valgrind/null", &drivers.null);
    suite(session, tree, "valgrind/lavapipe", &drivers.lavapipe);
}

fn suite(session: &mut Session, tree: &Built, step: &str, configuration: &Result<Configuration, String>) {
    if !session.report.wants(step) {
        return;
    }
    let configuration = session.has(Need::Valgrind).and_then(|()| configuration.clone()).map(Configuration::without_validation);
    let (tree, configuration) = match (tree, configuration) {
        (Ok(tree), Ok(configuration)) => (tree, configuration),
        (_, Err(why)) => return session.report.step(step, || Outcome::skip(why)),
        (Err(why), _) => return session.report.step(step, || Outcome::skip(why)),
    };
    let tests = match cmake::tests(session, tree) {
        Ok(tests) => tests.into_iter().filter(suits).collect::<Vec<_>>(),
        Err(why) => return session.report.step(step, || Outcome::fail(why)),
    };
    let jobs: Vec<_> = tests
        .into_iter()
        .map(|test| {
            let log = session.log(&format!("{step}-{}", test.name));
            let job = session
                .job("valgrind", LIMIT)
                .args(["--leak-check=no", "--num-callers=30", "--trace-children=no"])
                .arg(format!("--log-file={}", log.with_extension("valgrind").display()))
                .arg(format!("--suppressions={}", session.root.join("tests/valgrind.supp").display()))
                .args(&test.command)
                .envs(configuration.environment(&session.work))
                .envs(test.environment);
            (test.name, job, log)
        })
        .collect();
    session.report.step(step, || {
        let mut outcome = Outcome::default();
        for (name, job, log) in jobs {
            let findings = log.with_extension("valgrind");
            // Findings of an earlier run must not be taken for those of this run. There may be no such file.
            let _ = std::fs::remove_file(&findings);
            let finished = job.run(&log);
            let findings = std::fs::read(&findings).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            match verdict(&finished.ending, &findings, configuration.name == "null") {
                Ok(()) if finished.ending == Ending::Exit(SKIPPED) => outcome.skipped.push(Note { name, why: finished.tail(1) }),
                Ok(()) => outcome.passed += 1,
                Err(why) => {
                    let first: Vec<&str> = findings.lines().take(FINDINGS).collect();
                    outcome.failed.push(Note { name, why: format!("{why}: {}\n{}", finished.tail(20), first.join("\n")) });
                }
            }
        }
        if outcome == Outcome::default() { Outcome::fail("CTest lists no C test") } else { outcome }
    });
}

/// Whether a test is a program of this project that valgrind can check.
fn suits(test: &Test) -> bool {
    let program = test.command.first().map(String::as_str).unwrap_or_default();
    let ours = !["cmake", "ctest", "sh", "bash", "python3"].iter().any(|p| program == *p || program.ends_with(&format!("/{p}")));
    ours && !program.is_empty() && !test.labels.iter().any(|label| LEFT_OUT.contains(&label.as_str()))
}

/// Findings of valgrind, crashes and hangs are failures. On the null driver every result is wrong, so a failed check of the test
/// itself does not count there. An absence of findings counts only if valgrind printed its summary, because a run that did not
/// start has no findings either.
fn verdict(ending: &Ending, findings: &str, null: bool) -> Result<(), &'static str> {
    let mut summaries = findings.lines().filter_map(|line| line.split_once("ERROR SUMMARY: ").map(|(_, rest)| rest));
    let clean = summaries.clone().all(|summary| summary.starts_with("0 errors"));
    if summaries.next().is_none() {
        return Err("valgrind gave no summary");
    }
    match ending {
        _ if !clean => Err("valgrind found an invalid access"),
        Ending::Exit(0 | SKIPPED) => Ok(()),
        Ending::Exit(_) if null => Ok(()),
        _ => Err("the test failed under valgrind"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_ours_are_watched() {
        let test = |program: &str, label: &str| Test {
            name: "t".into(),
            command: vec![program.into()],
            labels: vec![label.into()],
            environment: vec![],
        };
        assert!(suits(&test("/b/tests/c/abi", "abi")));
        assert!(!suits(&test("/b/c_examples/saxpy", "example")));
        assert!(!suits(&test("/usr/bin/cmake", "abi")) && !suits(&test("sh", "abi")));
        assert!(!suits(&Test { command: vec![], ..test("", "abi") }));
    }

    #[test]
    fn only_valgrinds_word_counts_on_the_null_driver() {
        let (clean, bad) = ("==1== ERROR SUMMARY: 0 errors from 0 contexts\n", "==1== ERROR SUMMARY: 2 errors from 1 contexts\n");
        assert!(verdict(&Ending::Exit(1), clean, true).is_ok() && verdict(&Ending::Exit(1), clean, false).is_err());
        for null in [true, false] {
            assert!(verdict(&Ending::Exit(0), clean, null).is_ok());
            assert!(verdict(&Ending::Exit(0), bad, null).is_err());
            assert!(verdict(&Ending::Exit(0), &format!("{bad}{clean}"), null).is_err(), "of a fork's two summaries one is bad");
            assert!(verdict(&Ending::Exit(0), "==1== FATAL: can't open suppressions file", null).is_err());
            assert!(verdict(&Ending::Signal(11), clean, null).is_err() && verdict(&Ending::TimedOut(9), clean, null).is_err());
        }
    }
}
