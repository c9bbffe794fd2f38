//! The installed header, read by compilers with every warning on and by Doxygen.

use super::cmake::{Built, Tree};
use crate::packages::Need;
use crate::report::{Note, Outcome};
use crate::session::Session;
use std::path::PathBuf;

/// Seconds that one reading of the header may take.
const LIMIT: u64 = 120;

/// A compiler with what it has to be quiet about: its name, the language's ending, what it needs, the standards, and the warnings.
type Reader = (&'static str, &'static str, Need, &'static [&'static str], &'static [&'static str]);

/// What is asked of every compiler beside its own set of warnings.
const ALL: [&str; 6] = ["-Wall", "-Wextra", "-Wpedantic", "-Wpadded", "-Wconversion", "-Werror"];

/// clang++ takes a header of C++98 for its measure by itself, which nothing is compiled as; each other warning that clang has is on.
const READERS: [Reader; 4] = [
    ("gcc", "c", Need::Cc, &["c99", "c11", "c17"], &["-Wstrict-prototypes", "-Wold-style-definition", "-Wcast-qual"]),
    ("g++", "cpp", Need::Cxx, &["c++11", "c++17", "c++20"], &["-Wold-style-cast", "-Wzero-as-null-pointer-constant", "-Wuseless-cast"]),
    ("clang", "c", Need::Clang, &["c99", "c11", "c17"], &["-Weverything"]),
    ("clang++", "cpp", Need::Clang, &["c++11", "c++17", "c++20"], &["-Weverything", "-Wno-c++98-compat", "-Wno-c++98-compat-pedantic"]),
];

/// The header compiled alone, and with each of its helpers and macros used, by each compiler and standard.
pub(crate) fn warnings(session: &mut Session) {
    let mut jobs = Vec::new();
    let mut outcome = Outcome::default();
    for (compiler, ending, need, standards, warnings) in READERS {
        if let Err(why) = session.has(need) {
            outcome.skipped.push(Note { name: compiler.to_owned(), why });
            continue;
        }
        for standard in standards {
            for source in ["alone", "helpers"] {
                let name = format!("{compiler} -std={standard}, {source}");
                let job = session
                    .job(compiler, LIMIT)
                    .arg(format!("-std={standard}"))
                    .args(ALL)
                    .args(warnings)
                    // What is read is the header itself, so it is no system header, of which compilers are silent.
                    .args(["-Iinclude", "-x", if ending == "c" { "c" } else { "c++" }, "-fsyntax-only"])
                    .arg(format!("tests/readers/{source}.c"));
                jobs.push((name, job));
            }
        }
    }
    let log = session.log("header-warnings");
    session.report.step("header/warnings", || {
        for (name, job) in jobs {
            outcome.add(named(&name, Outcome::of(&job.run(&log))));
        }
        outcome
    });
}

/// The outcome with a name for each of its notes.
fn named(name: &str, mut outcome: Outcome) -> Outcome {
    outcome.failed.iter_mut().chain(&mut outcome.skipped).for_each(|note| note.name = name.to_owned());
    outcome
}

/// Doxygen over the header: no warning, which it gives for each thing that has no documentation.
pub(crate) fn doxygen(session: &mut Session) {
    let there = session.has(Need::Doxygen);
    let folder = session.work.join("doxygen");
    let job = session.job("doxygen", LIMIT).arg("tests/readers/Doxyfile").envs([("AVX_GPU_DOXYGEN_OUTPUT", &folder)]);
    let log = session.log("header-doxygen");
    session.report.step("header/doxygen", || {
        if let Err(why) = there {
            return Outcome::skip(why);
        }
        if let Err(e) = std::fs::create_dir_all(&folder) {
            return Outcome::fail(format!("cannot create {}: {e}", folder.display()));
        }
        let finished = job.run(&log);
        let documented = std::fs::read_to_string(folder.join("xml/avx__gpu_8h.xml")).unwrap_or_default();
        match finished.stderr.lines().find(|line| !line.trim().is_empty()) {
            Some(_) => Outcome::fail(finished.stderr.clone()),
            None if !finished.ending.ok() => Outcome::of(&finished),
            // Silence would also come of a header that was not read.
            None if !documented.contains("<name>avx_dispatch</name>") => Outcome::fail("Doxygen has not read avx_dispatch"),
            None => Outcome::pass(),
        }
    });
}

/// Where the release tree is installed.
pub(crate) struct Installed {
    /// The folder of the header and of its twins.
    pub(crate) include: PathBuf,
    /// The folder of the library.
    pub(crate) library: PathBuf,
}

/// Installs a tree into a folder of its own, if one of the steps is wanted; an `Err` is why there is nothing, in words for a skip.
pub(crate) fn install(session: &mut Session, tree: &Built, steps: &[&str]) -> Result<Installed, String> {
    if !steps.iter().any(|step| session.report.wants(step)) {
        return Err("not installed".to_owned());
    }
    let Tree { path } = tree.as_ref().map_err(Clone::clone)?;
    let prefix = session.work.join("installed");
    // What an earlier run installed must not speak for this one; there may be nothing.
    let _ = std::fs::remove_dir_all(&prefix);
    let job = session.job("cmake", LIMIT).arg("--install").arg(path).arg("--prefix").arg(&prefix);
    let finished = job.run(&session.log("install"));
    if !finished.ending.ok() {
        let why = finished.tail(20);
        session.report.must("install", || Outcome::fail(why));
        return Err("the release tree cannot be installed".to_owned());
    }
    let folders = ["lib", "lib64"].map(|name| prefix.join(name));
    let multiarch = prefix.join(format!("lib/{}-linux-gnu", std::env::consts::ARCH));
    let library = folders.into_iter().chain([multiarch]).find(|folder| folder.join("libavx_gpu.so").exists());
    let library = library.ok_or("the install tree has no libavx_gpu.so")?;
    Ok(Installed { include: prefix.join("include"), library })
}
