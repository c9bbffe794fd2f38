//! valgrind over the C tests: no access outside of what was allocated, on the null driver (all of the library, none of a driver's
//! noise) and on lavapipe (the same with results).

use super::cmake::{self, Built, Test};
use crate::drivers::Configuration;
use crate::packages::Need;
use crate::report::{Note, Outcome};
use crate::run::Ending;
use crate::session::{Drivers, Session};

/// Seconds for one test, which valgrind slows down some thirtyfold.
const LIMIT: u64 = 600;

/// The exit code that valgrind is told to give when it found an error; none of the tests gives it by itself.
const FOUND: i32 = 97;

/// Tests with these labels are examples or builds, which valgrind would not serve.
const LEFT_OUT: [&str; 2] = ["example", "consumer"];

/// The C tests on both drivers.
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
            let job = session
                .job("valgrind", LIMIT)
                .args(["--quiet", "--leak-check=no", "--num-callers=30", "--trace-children=no"])
                .arg(format!("--error-exitcode={FOUND}"))
                .arg(format!("--suppressions={}", session.root.join("tests/valgrind.supp").display()))
                .args(&test.command)
                .envs(configuration.environment(&session.work));
            let log = session.log(&format!("{step}-{}", test.name));
            (test.name, job, log)
        })
        .collect();
    session.report.step(step, || {
        let mut outcome = Outcome::default();
        for (name, job, log) in jobs {
            let finished = job.run(&log);
            match verdict(&finished.ending, configuration.name == "null") {
                Ok(()) => outcome.passed += 1,
                Err(why) => outcome.failed.push(Note { name, why: format!("{why}: {}", finished.tail(60)) }),
            }
        }
        if outcome == Outcome::default() { Outcome::fail("CTest lists no C test") } else { outcome }
    });
}

/// Whether a test is a program of ours that valgrind can watch.
fn suits(test: &Test) -> bool {
    let program = test.command.first().map(String::as_str).unwrap_or_default();
    let ours = !["cmake", "ctest", "sh", "bash", "python3"].iter().any(|p| program == *p || program.ends_with(&format!("/{p}")));
    ours && !program.is_empty() && !test.labels.iter().any(|label| LEFT_OUT.contains(&label.as_str()))
}

/// valgrind's findings, crashes and hangs fail. On the null driver no result is right, so a test's own complaint is none there.
fn verdict(ending: &Ending, null: bool) -> Result<(), &'static str> {
    match ending {
        // 77 is how a C test says that it cannot run here.
        Ending::Exit(0 | 77) => Ok(()),
        Ending::Exit(FOUND) => Err("valgrind found an invalid access"),
        Ending::Exit(_) if null => Ok(()),
        _ => Err("the test failed under valgrind"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_ours_are_watched() {
        let test = |program: &str, label: &str| Test { name: "t".into(), command: vec![program.into()], labels: vec![label.into()] };
        assert!(suits(&test("/b/tests/c/abi", "abi")));
        assert!(!suits(&test("/b/c_examples/saxpy", "example")));
        assert!(!suits(&test("/usr/bin/cmake", "abi")) && !suits(&test("sh", "abi")));
        assert!(!suits(&Test { name: "t".into(), command: vec![], labels: vec![] }));
    }

    #[test]
    fn only_valgrinds_word_counts_on_the_null_driver() {
        assert!(verdict(&Ending::Exit(1), true).is_ok() && verdict(&Ending::Exit(1), false).is_err());
        for null in [true, false] {
            assert!(verdict(&Ending::Exit(0), null).is_ok());
            assert!(verdict(&Ending::Exit(FOUND), null).is_err());
            assert!(verdict(&Ending::Signal(11), null).is_err() && verdict(&Ending::TimedOut(9), null).is_err());
        }
    }
}
