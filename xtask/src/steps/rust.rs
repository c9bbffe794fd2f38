//! The steps that cargo runs: formatting, lints, documentation, and the Rust tests on each driver.

use super::Named;
use crate::drivers::Configuration;
use crate::json::Json;
use crate::packages::Need;
use crate::parse;
use crate::report::Outcome;
use crate::session::Session;
use crate::test_drivers::Drivers;
use crate::validator;
use std::ffi::OsString;
use std::path::PathBuf;

/// The seconds that a build from scratch may take on a small machine.
const BUILD_LIMIT: u64 = 1800;
/// The seconds that one test binary may take under validation on a small machine.
const SUITE_LIMIT: u64 = 900;

/// The test binary that runs avxc. All of its tests look at results.
const TOOL: &str = "tool";

/// A test binary that cargo built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binary {
    /// The name of its target.
    pub(crate) name: String,
    /// Whether it contains unit tests, of the library or of avxc.
    pub(crate) unit: bool,
    /// The path of the program.
    pub(crate) path: PathBuf,
}

/// rustfmt, clippy and rustdoc. Each warning is a failure.
pub(crate) fn lints(session: &mut Session) {
    let steps: [(&str, Option<Need>, &[&str]); 3] = [
        ("rust/format", Some(Need::Rustfmt), &["fmt", "--all", "--check", "--", "--color=never"]),
        ("rust/clippy", Some(Need::Clippy), &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        ("rust/docs", None, &["doc", "--workspace", "--no-deps"]),
    ];
    for (name, need, args) in steps {
        let there = need.map_or(Ok(()), |need| session.has(need));
        let job = session.cargo(BUILD_LIMIT).args(args).envs([("RUSTDOCFLAGS", "-D warnings")]);
        let log = session.log(name);
        session.report.step(name, || match there {
            Ok(()) => Outcome::of(&job.run(&log)),
            Err(why) => Outcome::skip(why),
        });
    }
}

/// The unit tests of this tool.
pub(crate) fn own_tests(session: &mut Session) {
    let job = session.cargo(BUILD_LIMIT).args(["test", "--package", "xtask", "--", "--show-output"]);
    let log = session.log("rust/xtask");
    session.report.step("rust/xtask", || parse::libtest("xtask", &job.run(&log)));
}

/// Builds the tests of the library and of avxc once, if a selected step needs them. `None` if they do not build or are not needed.
pub(crate) fn build(session: &mut Session, configurations: &[Named]) -> Option<Vec<Binary>> {
    let fixed = ["rust/build", "rust/unit", "rust/null", "rust/gpu"].map(String::from);
    let mut names = configurations.iter().map(|(name, _)| format!("rust/{name}")).chain(fixed);
    if !names.any(|name| session.report.wants(&name)) {
        return None;
    }
    let packages = ["--package", "avx_gpu", "--package", "avxc"];
    let job = session.cargo(BUILD_LIMIT).arg("test").args(packages).args(["--no-run", "--message-format=json-render-diagnostics"]);
    let log = session.log("rust/build");
    let mut binaries = Vec::new();
    let built = session.report.must("rust/build", || {
        let finished = job.run(&log);
        binaries = test_binaries(&finished.stdout);
        match finished.ending.ok() && binaries.is_empty() {
            true => Outcome::fail("cargo built no test binary"),
            // stdout is cargo's JSON, which no reader needs.
            false => Outcome::of(&crate::run::Finished { stdout: String::new(), ..finished }),
        }
    });
    built.then_some(binaries)
}

/// The test binaries in cargo's messages.
fn test_binaries(messages: &str) -> Vec<Binary> {
    let artifacts = messages.lines().filter_map(|line| Json::parse(line).ok());
    let mut binaries: Vec<Binary> = artifacts
        .filter(|json| json.get("reason").text() == Some("compiler-artifact") && json.get("profile").get("test") == &Json::Bool(true))
        .filter_map(|json| {
            let target = json.get("target");
            let unit = !target.get("kind").items().iter().any(|kind| kind.text() == Some("test"));
            Some(Binary { name: target.get("name").text()?.to_owned(), unit, path: json.get("executable").text()?.into() })
        })
        .collect();
    binaries.sort_by(|a, b| a.name.cmp(&b.name));
    binaries
}

/// The unit tests of the library and of avxc. Most of them need no driver, so one run is enough. A current SPIR-V validator checks
/// the compiler's output. Without a validator the tests print that they skip this check.
pub(crate) fn unit_tests(session: &mut Session, binaries: Option<&[Binary]>, drivers: &Drivers, download: bool) {
    let mut environment = drivers.lavapipe.as_ref().map(|c| c.environment(&session.work)).unwrap_or_default();
    if session.report.wants("rust/unit") {
        match validator::find(session, download) {
            Ok(program) => environment.push(("AVX_GPU_SPIRV_VAL".into(), program.into())),
            Err(why) => println!("{:<28} {why}", ""),
        }
    }
    run(session, "rust/unit", binaries, |binary| binary.unit, &environment, |_| true);
}

/// The black-box tests in tests/*.rs and those of avxc, on one driver.
pub(crate) fn suite(session: &mut Session, binaries: Option<&[Binary]>, name: &str, configuration: &Result<Configuration, String>) {
    let step = format!("rust/{name}");
    match configuration {
        Ok(configuration) => run(session, &step, binaries, |binary| !binary.unit, &configuration.environment(&session.work), |_| true),
        Err(why) => session.report.step(&step, || Outcome::skip(why)),
    }
}

/// The black-box tests on the null driver, where memory and threads can be counted without those of a real driver. Tests that look
/// at results skip themselves on the null driver. These skips are not counted, because the tests are not meant for the null driver.
pub(crate) fn null_suite(session: &mut Session, binaries: Option<&[Binary]>, drivers: &Drivers) {
    match &drivers.null {
        Ok(null) => {
            let meant = |why: &str| !why.contains("null driver");
            let wanted = |binary: &Binary| !binary.unit && binary.name != TOOL;
            run(session, "rust/null", binaries, wanted, &null.environment(&session.work), meant);
        }
        Err(why) => session.report.step("rust/null", || Outcome::skip(why)),
    }
}

/// Runs the selected binaries as one step. Skips whose reason is not `counted` are dropped.
fn run(
    session: &mut Session,
    step: &str,
    binaries: Option<&[Binary]>,
    wanted: impl Fn(&Binary) -> bool,
    environment: &[(OsString, OsString)],
    counted: impl Fn(&str) -> bool,
) {
    let Some(binaries) = binaries else {
        session.report.step(step, || Outcome::skip("the tests did not build"));
        return;
    };
    let jobs: Vec<_> = binaries
        .iter()
        .filter(|b| wanted(b))
        .map(|binary| {
            // cargo runs tests in the same way: the working directory is the package's folder, and the environment has its path.
            let job = session
                .job(&binary.path, SUITE_LIMIT)
                .args(["--show-output"])
                .envs([("CARGO_MANIFEST_DIR", &session.root)])
                .envs(environment.iter().map(|(k, v)| (k, v)));
            (binary.name.as_str(), job, session.log(&format!("{step}-{}", binary.name)))
        })
        .collect();
    session.report.step(step, || {
        let mut outcome = Outcome::default();
        for (name, job, log) in jobs {
            outcome.add(parse::libtest(name, &job.run(&log)));
        }
        outcome.skipped.retain(|note| counted(&note.why));
        outcome
    });
}

/// The examples in the documentation.
pub(crate) fn doc_tests(session: &mut Session) {
    let job = session.cargo(BUILD_LIMIT).args(["test", "--package", "avx_gpu", "--doc"]);
    let log = session.log("rust/doc-tests");
    session.report.step("rust/doc-tests", || parse::libtest("doc", &job.run(&log)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_are_read_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"ash"},"profile":{"test":false},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"dispatch"},"profile":{"test":true},"executable":"/t/dispatch-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["cdylib","rlib"],"name":"avx_gpu"},"profile":{"test":true},"executable":"/t/avx_gpu-2"}"#,
            "\nno JSON\n",
            r#"{"reason":"build-finished","success":true}"#
        );
        let unit = Binary { name: "avx_gpu".into(), unit: true, path: "/t/avx_gpu-2".into() };
        let dispatch = Binary { name: "dispatch".into(), unit: false, path: "/t/dispatch-1".into() };
        assert_eq!(test_binaries(messages), [unit, dispatch]);
    }
}
