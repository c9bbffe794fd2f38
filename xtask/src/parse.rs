//! Parses the output of test runners (Rust's libtest and CTest), and finds messages of the validation layer in any output.

use crate::report::{Note, Outcome};
use crate::run::{Finished, last_lines};

/// The number of lines of a failing test's output that are shown.
const TAIL: usize = 40;

/// The start of the line by which a test says that it cannot run here. Its name, a colon and the reason follow.
const SKIPPED: &str = "SKIPPED: ";

/// The number of kinds of validation messages that are shown.
const MESSAGES: usize = 8;

/// The first message of each kind (the word after "validation:") in `texts`, and the number of messages of the kind.
fn validation_messages<'a>(texts: &[&'a str]) -> Vec<(&'a str, usize)> {
    let kind = |line: &'a str| line.split_once("validation:").and_then(|(_, rest)| rest.split_whitespace().next());
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for line in texts.iter().flat_map(|text| text.lines()).filter(|line| line.contains("validation:")) {
        match kinds.iter_mut().find(|(first, _)| kind(first) == kind(line)) {
            Some((_, count)) => *count += 1,
            None => kinds.push((line, 1)),
        }
    }
    kinds
}

/// A failure for the messages of the validation layer in `texts`; `None` if there are none.
pub(crate) fn validation_failure(name: &str, texts: &[&str]) -> Outcome {
    let kinds = validation_messages(texts);
    if kinds.is_empty() {
        return Outcome::default();
    }
    let lines: Vec<String> = kinds.iter().take(MESSAGES).map(|(line, count)| format!("{count} x {line}")).collect();
    let why = format!("the validation layer complained ({} kinds):\n{}", kinds.len(), lines.join("\n"));
    Outcome { failed: vec![Note { name: name.to_owned(), why }], ..Outcome::default() }
}

/// The outcome of one Rust test binary, `binary` by name, run with --show-output.
pub(crate) fn libtest(binary: &str, finished: &Finished) -> Outcome {
    let mut outcome = Outcome::default();
    let named = |name: &str| format!("{binary}::{name}");
    let skips = skips(&finished.stdout).chain(self::skips(&finished.stderr)).collect::<Vec<_>>();
    // The results come first. The output of the tests follows, which may contain the results of a test binary that a test has started.
    let results = finished.stdout.lines().take_while(|line| !matches!(*line, "successes:" | "failures:"));
    let summary = finished.stdout.lines().rev().find_map(|line| line.strip_prefix("test result: "));
    let summary = summary.map(|rest| (count_before(rest, " passed"), count_before(rest, " failed")));
    for line in results {
        if let Some((name, result)) = line.strip_prefix("test ").and_then(|l| l.split_once(" ... ")) {
            if result.starts_with("ok") {
                match skips.iter().find(|(who, _)| *who == name) {
                    Some((_, why)) => outcome.skipped.push(Note { name: named(name), why: (*why).to_owned() }),
                    None => outcome.passed += 1,
                }
            } else if result.starts_with("ignored") {
                outcome.skipped.push(Note { name: named(name), why: result.to_owned() });
            } else if result.starts_with("FAILED") {
                outcome.failed.push(Note { name: named(name), why: section(&finished.stdout, name) });
            }
        }
    }
    match summary {
        // The code above misses lines that a test's own output has torn apart, so the numbers of the summary are used. Tests that run one
        // at a time print their name first, and a process that the test starts prints between the name and the result.
        Some((passed, failed)) => {
            outcome.passed = passed.saturating_sub(outcome.skipped.iter().filter(|n| !n.why.starts_with("ignored")).count() as u64);
            if failed > outcome.failed.len() as u64 || !finished.ending.ok() && outcome.failed.is_empty() {
                outcome.failed.push(Note { name: binary.to_owned(), why: finished.tail(TAIL) });
            }
        }
        None => {
            outcome.failed.push(Note { name: binary.to_owned(), why: format!("the test binary did not finish: {}", finished.tail(TAIL)) })
        }
    }
    outcome.add(validation_failure(binary, &[&finished.stdout, &finished.stderr]));
    outcome
}

/// The test and the reason of each line that says that a test cannot run here.
fn skips(output: &str) -> impl Iterator<Item = (&str, &str)> {
    output.lines().filter_map(|line| line.split_once(SKIPPED)?.1.split_once(": "))
}

/// The number directly before `word`.
fn count_before(text: &str, word: &str) -> u64 {
    let before = text.split_once(word).map_or("", |(before, _)| before);
    before.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The output of one test, as libtest shows it.
fn section(stdout: &str, name: &str) -> String {
    let start = format!("---- {name} stdout ----\n");
    let text = stdout.split_once(&start).map_or("", |(_, rest)| rest);
    let end = [text.find("\n---- "), text.find("\nfailures:\n"), text.find("\nsuccesses:\n")].into_iter().flatten().min();
    last_lines(&text[..end.unwrap_or(text.len())], TAIL)
}

/// The outcome of a CTest run. `log` is its LastTest.log, which contains the output of every test.
pub(crate) fn ctest(finished: &Finished, log: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for line in finished.stdout.lines() {
        let Some((name, result)) = ctest_line(line) else { continue };
        let output = ctest_output(log, name);
        if result.contains("Passed") {
            outcome.passed += 1;
        } else if result.contains("***Skipped") || result.contains("Disabled") {
            let why = output.lines().find_map(|l| l.split_once(SKIPPED)).map_or_else(|| last_lines(output, 1), |(_, why)| why.to_owned());
            outcome.skipped.push(Note { name: name.to_owned(), why });
        } else {
            outcome.failed.push(Note { name: name.to_owned(), why: format!("{result}\n{}", last_lines(output, TAIL)) });
        }
        if result.contains("Passed") || result.contains("***Skipped") {
            outcome.add(validation_failure(name, &[output]));
        }
    }
    if outcome == Outcome::default() || !finished.ending.ok() && outcome.failed.is_empty() {
        outcome.failed.push(Note { name: "ctest".to_owned(), why: finished.tail(TAIL) });
    }
    outcome
}

/// The name and the result in a line such as " 1/12 Test  #1: header .....   Passed    0.01 sec".
fn ctest_line(line: &str) -> Option<(&str, &str)> {
    let (counts, rest) = line.trim_start().split_once("Test ")?;
    if !counts.trim_end().split('/').all(|n| !n.is_empty() && n.trim().bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let (_, rest) = rest.trim_start().strip_prefix('#')?.split_once(": ")?;
    let (name, result) = rest.split_once(' ')?;
    Some((name, result.trim_start_matches('.').trim()))
}

/// The output of the test `name` in a LastTest.log.
fn ctest_output<'a>(log: &'a str, name: &str) -> &'a str {
    const BEGIN: &str = "----------------------------------------------------------\n";
    let Some((_, rest)) = log.split_once(&format!(" Test: {name}\n")) else { return "" };
    let rest = rest.split_once(BEGIN).map_or("", |(_, rest)| rest);
    &rest[..rest.find("<end of output>").unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Ending;

    fn finished(code: i32, stdout: &str, stderr: &str) -> Finished {
        Finished { ending: Ending::Exit(code), stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn libtest_counts_passes_failures_and_skips() {
        let stdout = "\nrunning 4 tests\ntest a::one ... ok\ntest two ... FAILED\ntest three ... ignored, slow\ntest four ... ok\n\n\
                      failures:\n\n---- two stdout ----\nthread 'two' panicked at x:1:\nboom\n\nfailures:\n    two\n\n\
                      test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
        let outcome = libtest("abi", &finished(101, stdout, "SKIPPED: four: no driver\nSKIPPED: four: no driver\n"));
        assert_eq!(outcome.passed, 1);
        assert_eq!(outcome.failed, [Note { name: "abi::two".into(), why: "thread 'two' panicked at x:1:\nboom".into() }]);
        let skipped: Vec<_> = outcome.skipped.iter().map(|n| (n.name.as_str(), n.why.as_str())).collect();
        assert_eq!(skipped, [("abi::three", "ignored, slow"), ("abi::four", "no driver")]);
    }

    #[test]
    fn a_binary_that_crashes_or_disagrees_with_itself_fails() {
        let crashed = Finished { ending: Ending::Signal(11), stdout: "running 2 tests\ntest a ... ok\n".into(), stderr: String::new() };
        let outcome = libtest("abi", &crashed);
        assert_eq!((outcome.passed, outcome.failed.len()), (1, 1));
        assert!(outcome.failed[0].why.contains("segmentation fault"));
        let torn = "test a ... noise\nok\ntest result: ok. 3 passed; 0 failed; 0 ignored\n";
        assert_eq!(libtest("abi", &finished(1, torn, "")).failed.len(), 1);
        let torn_and_failed = "test a ... noise\nFAILED\ntest result: FAILED. 2 passed; 1 failed; 0 ignored\n";
        assert_eq!(libtest("abi", &finished(101, torn_and_failed, "")).failed.len(), 1);
    }

    #[test]
    fn a_result_that_output_tears_from_its_name_is_counted() {
        let torn = "test a ... \nrunning 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed\n\nok\ntest b ... ok\n\n\
                    test result: ok. 2 passed; 0 failed; 0 ignored\n";
        let outcome = libtest("abi", &finished(0, torn, ""));
        assert_eq!((outcome.passed, outcome.failed.len()), (2, 0));
    }

    #[test]
    fn a_validation_message_fails_a_suite_that_passed() {
        let line = "avx_gpu warn: validation: VUID-vkCmdDispatch-None-02699 ...";
        let outcome = libtest("abi", &finished(0, "test a ... ok\ntest result: ok. 1 passed; 0 failed;\n", &format!("{line}\n{line}\n")));
        assert_eq!((outcome.passed, outcome.failed.len()), (1, 1));
        assert_eq!(outcome.failed[0].why, format!("the validation layer complained (1 kinds):\n2 x {line}"));
    }

    #[test]
    fn results_inside_a_tests_own_output_are_not_counted() {
        let stdout = "running 1 test\ntest outer ... ok\n\nsuccesses:\n\n---- outer stdout ----\nrunning 1 test\ntest inner ... noise\n\
                      test inner ... FAILED\ntest result: FAILED. 0 passed; 1 failed;\n\n\nsuccesses:\n    outer\n\n\
                      test result: ok. 1 passed; 0 failed; 0 ignored\n";
        assert_eq!(libtest("abi", &finished(0, stdout, "")), Outcome::pass());
    }

    const CTEST: &str = "Test project /b\n    Start 1: header_c99\n1/4 Test #1: header_c99 .......   Passed    0.01 sec\n\
        2/4 Test #2: buffer ...........***Failed    0.02 sec\n 3/4 Test #3: f64 ..............***Skipped   0.00 sec\n\
        4/4 Test #4: crash ............***Exception: SegFault  0.10 sec\n\n75% tests passed\n";

    #[test]
    fn ctest_counts_and_finds_each_output() {
        let rule = "-".repeat(58);
        let log = format!(
            "2/4 Testing: buffer\n2/4 Test: buffer\nCommand: \"/b/buffer\"\nOutput:\n{rule}\nbuffer.c:3: wrong\n<end of output>\n\
             3/4 Test: f64\nOutput:\n{rule}\nSKIPPED: the device has no f64\nbye\n<end of output>\n\
             1/4 Test: header_c99\nOutput:\n{rule}\nwarn: validation: bad\n<end of output>\n"
        );
        let outcome = ctest(&finished(8, CTEST, ""), &log);
        assert_eq!(outcome.passed, 1);
        let failed: Vec<_> = outcome.failed.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(failed, ["header_c99", "buffer", "crash"]);
        assert!(outcome.failed[0].why.contains("warn: validation: bad"));
        assert!(outcome.failed[1].why.contains("buffer.c:3: wrong"));
        assert_eq!(outcome.skipped, [Note { name: "f64".into(), why: "the device has no f64".into() }]);
    }

    #[test]
    fn ctest_that_ran_nothing_fails() {
        assert_eq!(ctest(&finished(0, "No tests were found!!!\n", ""), "").failed.len(), 1);
        assert!(ctest_line("    Start 1: header").is_none() && ctest_line("Total Test time (real) = 0.1 sec").is_none());
    }
}
