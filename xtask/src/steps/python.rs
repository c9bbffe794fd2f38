//! The C ABI from Python, through plain ctypes.

use super::cmake::Built;
use crate::packages::Need;
use crate::parse;
use crate::report::Outcome;
use crate::run::last_lines;
use crate::session::Session;
use crate::test_drivers::Drivers;

/// Runs tests/python/test_ctypes.py with the built library.
pub(crate) fn bindings(session: &mut Session, tree: &Built, drivers: &Drivers) {
    let (tree, lavapipe) = match (session.has(Need::Python), tree, &drivers.lavapipe) {
        (Ok(()), Ok(tree), Ok(lavapipe)) => (tree, lavapipe),
        (Err(why), _, _) => return session.report.step("python", || Outcome::skip(why)),
        (_, Err(why), _) | (_, _, Err(why)) => return session.report.step("python", || Outcome::skip(why)),
    };
    let job = session
        .job("python3", 300)
        .arg("tests/python/test_ctypes.py")
        .arg(tree.library())
        .envs(lavapipe.environment(&session.work))
        .envs([("PYTHONDONTWRITEBYTECODE", "1")]);
    let log = session.log("python");
    session.report.step("python", || {
        let finished = job.run(&log);
        let skip = [&finished.stdout, &finished.stderr].into_iter().find_map(|text| text.lines().find(|l| l.starts_with("SKIPPED: ")));
        let mut outcome = match skip {
            Some(line) if finished.ending.ok() => Outcome::skip(last_lines(line, 1)),
            _ => Outcome::of(&finished),
        };
        outcome.add(parse::validation_failure("ctypes", &[&finished.stdout, &finished.stderr]));
        outcome
    });
}
