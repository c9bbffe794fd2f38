//! The C side: CMake builds with several generators, build types and compilers, and their CTest suites on each driver.

use super::Named;
use crate::drivers::Configuration;
use crate::json::Json;
use crate::packages::Need;
use crate::parse;
use crate::report::Outcome;
use crate::run::Job;
use crate::session::Session;
use crate::test_drivers::Drivers;
use std::path::{Path, PathBuf};

/// The seconds that configuring and building a tree may take, which includes the Rust library's link-time optimisation.
const BUILD_LIMIT: u64 = 1800;
/// The seconds that a whole CTest run may take.
const SUITE_LIMIT: u64 = 1800;

/// Tests with this label build a consumer project. They are a separate step.
const CONSUMER: &str = "consumer";

/// A build tree that was built successfully.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Its folder.
    pub(crate) path: PathBuf,
}

/// A build tree, or the reason why there is none, as the text of a skip.
pub(crate) type Built = Result<Tree, String>;

impl Tree {
    /// The program of an example.
    pub(crate) fn example(&self, name: &str) -> PathBuf {
        self.path.join("c_examples").join(name)
    }

    /// The shared library.
    pub(crate) fn library(&self) -> PathBuf {
        self.path.join("lib/libavx_gpu.so")
    }
}

/// The settings of a build tree.
struct Recipe {
    name: &'static str,
    generator: Need,
    build_type: &'static str,
    compilers: Option<(&'static str, &'static str)>,
}

/// The command that configures the tree `path` of the session's checkout.
pub(crate) fn configure(session: &Session, path: &Path, ninja: bool, build_type: &str) -> Job {
    let definition = |name: &str, value: &Path| {
        let mut text = std::ffi::OsString::from(format!("-D{name}="));
        text.push(value);
        text
    };
    session
        .job("cmake", BUILD_LIMIT)
        .arg("-S")
        .arg(&session.root)
        .arg("-B")
        .arg(path)
        .args(["-G", if ninja { "Ninja" } else { "Unix Makefiles" }])
        .arg(format!("-DCMAKE_BUILD_TYPE={build_type}"))
        .arg(definition("AVX_GPU_CARGO", Path::new(&crate::session::cargo())))
        // All trees share one cargo folder, so that Rust is compiled once for each profile.
        .arg(definition("AVX_GPU_CARGO_TARGET_DIR", &session.target))
}

/// The command that builds the tree `path`.
pub(crate) fn build(session: &Session, path: &Path) -> Job {
    session.job("cmake", BUILD_LIMIT).arg("--build").arg(path).args(["--parallel", &session.parallel()])
}

/// Configures and builds a tree, as one step.
fn tree(session: &mut Session, recipe: &Recipe) -> Built {
    let step = format!("cmake/{}/build", recipe.name);
    let compilers = if recipe.compilers.is_some() { Need::Clang } else { Need::Cc };
    if let Err(why) = session.has(Need::CMake).and_then(|()| session.has(recipe.generator)).and_then(|()| session.has(compilers)) {
        session.report.must(&step, || Outcome::skip(why.clone()));
        return Err(why);
    }
    let path = session.work.join("build").join(recipe.name);
    let mut configure = configure(session, &path, recipe.generator == Need::Ninja, recipe.build_type);
    if let Some((c, cxx)) = recipe.compilers {
        configure = configure.arg(format!("-DCMAKE_C_COMPILER={c}")).arg(format!("-DCMAKE_CXX_COMPILER={cxx}"));
    }
    let build = build(session, &path);
    let logs = (session.log(&format!("cmake/{}/configure", recipe.name)), session.log(&step));
    let built = session.report.must(&step, || {
        let configured = configure.run(&logs.0);
        if configured.ending.ok() { Outcome::of(&build.run(&logs.1)) } else { Outcome::of(&configured) }
    });
    if built { Ok(Tree { path }) } else { Err(format!("{step} failed")) }
}

/// Builds the tree that the later steps use (Release, the system's compiler), and runs its suite on each configuration.
pub(crate) fn release(session: &mut Session, configurations: &[Named], drivers: &Drivers) -> Built {
    let generator = if session.has(Need::Ninja).is_ok() { Need::Ninja } else { Need::Make };
    let name = if generator == Need::Ninja { "release" } else { "release-make" };
    let suites: [&str; 3] = ["lavapipe", "swiftshader", "lavapipe-baseline"];
    let own = suites.iter().any(|s| session.report.wants(&format!("cmake/release/{s}")));
    let others = [
        "cmake/release/build",
        "consumer",
        "symbols",
        "soname",
        "python",
        "no_driver",
        "no_loader",
        "readers/bindgen",
        "readers/zig",
        "readers/luajit",
        "readers/cffi",
        "abi/symbols",
        "abi/old-client",
    ];
    let valgrind = ["valgrind/null", "valgrind/lavapipe"];
    // The Rust suite on a GPU first runs an example to find out whether there is a GPU.
    let gpu = ["rust/gpu", "cmake/release/gpu"].iter().filter(|_| drivers.gpu.is_ok());
    if !own && !others.iter().chain(&valgrind).chain(gpu).any(|step| session.report.wants(step)) {
        return Err("not built".to_owned());
    }
    let release = tree(session, &Recipe { name, generator, build_type: "Release", compilers: None });
    left_out(session);
    for (name, configuration) in configurations.iter().filter(|(name, _)| suites.contains(name)) {
        match configuration {
            Ok(configuration) => suite(session, &release, &format!("cmake/release/{name}"), configuration),
            Err(why) => session.report.step(&format!("cmake/release/{name}"), || Outcome::skip(why)),
        }
    }
    release
}

/// Reports a skip for each part that CMake does not build in any tree because something is missing.
fn left_out(session: &mut Session) {
    for (step, need) in [("cmake/c++", Need::Cxx), ("cmake/image", Need::Png)] {
        if let Err(why) = session.has(need) {
            session.report.step(step, || Outcome::skip(why));
        }
    }
}

/// Builds and tests with another generator and build type.
pub(crate) fn debug(session: &mut Session, drivers: &Drivers) {
    if !["cmake/debug/build", "cmake/debug/lavapipe"].iter().any(|step| session.report.wants(step)) {
        return;
    }
    let debug = tree(session, &Recipe { name: "debug", generator: Need::Make, build_type: "Debug", compilers: None });
    match &drivers.lavapipe {
        Ok(lavapipe) => suite(session, &debug, "cmake/debug/lavapipe", lavapipe),
        Err(why) => session.report.step("cmake/debug/lavapipe", || Outcome::skip(why)),
    }
}

/// Builds all C and C++ code with the other compiler. The first compiler's programs were already run, so this step checks only the
/// warnings.
pub(crate) fn clang(session: &mut Session) {
    if session.report.wants("cmake/clang/build") {
        let generator = if session.has(Need::Ninja).is_ok() { Need::Ninja } else { Need::Make };
        // The step has its own outcome, and no other step needs the tree.
        let _ = tree(session, &Recipe { name: "clang", generator, build_type: "Release", compilers: Some(("clang", "clang++")) });
    }
}

/// Runs the CTest suite of a tree on one driver, without the consumer project.
pub(crate) fn suite(session: &mut Session, tree: &Built, step: &str, configuration: &Configuration) {
    ctest(session, tree, step, configuration, ["-LE", CONSUMER]);
}

/// The consumer project. It is installed, then built and run by CMake and by pkg-config, against the install tree and the build
/// tree.
pub(crate) fn consumer(session: &mut Session, tree: &Built, drivers: &Drivers) {
    let missing = session.has(Need::PkgConfig).err().or_else(|| drivers.lavapipe.as_ref().err().cloned());
    match (missing, &drivers.lavapipe) {
        (None, Ok(lavapipe)) => ctest(session, tree, "consumer", lavapipe, ["-L", CONSUMER]),
        (why, _) => session.report.step("consumer", || Outcome::skip(why.unwrap_or_default())),
    }
}

fn ctest(session: &mut Session, tree: &Built, step: &str, configuration: &Configuration, labels: [&str; 2]) {
    let tree = match tree {
        Ok(tree) => tree,
        Err(why) => return session.report.step(step, || Outcome::skip(why)),
    };
    let job = session
        .job("ctest", SUITE_LIMIT)
        .directory(&tree.path)
        .args(["--timeout", "300"])
        .args(labels)
        .envs(configuration.environment(&session.work));
    let (log, last) = (session.log(step), tree.path.join("Testing/Temporary/LastTest.log"));
    session.report.step(step, || {
        // The log of an earlier run must not be taken for the log of this run. There may be no such file.
        let _ = std::fs::remove_file(&last);
        let finished = job.run(&log);
        parse::ctest(&finished, &String::from_utf8_lossy(&std::fs::read(&last).unwrap_or_default()))
    });
}

/// A test in CTest's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    /// Its name.
    pub(crate) name: String,
    /// The words of its command line.
    pub(crate) command: Vec<String>,
    /// Its labels.
    pub(crate) labels: Vec<String>,
    /// The variables that it needs in its environment.
    pub(crate) environment: Vec<(String, String)>,
}

/// The tests of a tree.
pub(crate) fn tests(session: &Session, tree: &Tree) -> Result<Vec<Test>, String> {
    let finished = session.job("ctest", 60).directory(&tree.path).arg("--show-only=json-v1").run(&session.log("ctest-list"));
    if !finished.ending.ok() {
        return Err(finished.tail(10));
    }
    Ok(listed(&Json::parse(&finished.stdout)?))
}

fn listed(json: &Json) -> Vec<Test> {
    let texts = |json: &Json| json.items().iter().filter_map(|item| item.text().map(str::to_owned)).collect::<Vec<_>>();
    let test = |json: &Json| {
        let properties = json.get("properties").items();
        let list = |name: &str| {
            let property = properties.iter().find(|p| p.get("name").text() == Some(name));
            property.map(|p| texts(p.get("value"))).unwrap_or_default()
        };
        let pair = |text: String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(Test {
            name: json.get("name").text()?.to_owned(),
            command: texts(json.get("command")),
            labels: list("LABELS"),
            environment: list("ENVIRONMENT").into_iter().filter_map(pair).collect(),
        })
    };
    json.get("tests").items().iter().filter_map(test).collect()
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn tests_are_read_from_ctests_listing() {
        let json = r#"{"kind":"ctestInfo","tests":[
            {"command":["/b/abi","x"],"name":"abi","properties":[{"name":"LABELS","value":["c"]},{"name":"TIMEOUT","value":120.0},
                {"name":"ENVIRONMENT","value":["A=b=c"]}]},
            {"name":"bare"}]}"#;
        let abi = Test {
            name: "abi".into(),
            command: vec!["/b/abi".into(), "x".into()],
            labels: vec!["c".into()],
            environment: vec![("A".into(), "b=c".into())],
        };
        let bare = Test { name: "bare".into(), command: vec![], labels: vec![], environment: vec![] };
        assert_eq!(listed(&Json::parse(json).unwrap()), [abi, bare]);
    }
}
