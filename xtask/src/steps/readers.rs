//! What is installed, read by the tools of other languages: bindgen, zig, LuaJIT and cffi load the library and call it, by the header
//! or by its twin without a preprocessor.

use super::header::Installed;
use crate::packages::Need;
use crate::report::Outcome;
use crate::run::{Finished, Job, last_lines};
use crate::session::Session;
use crate::setup;
use crate::test_drivers::Drivers;
use std::fs;
use std::path::{Path, PathBuf};

/// Seconds for one program: compiled, or run on a software driver.
const LIMIT: u64 = 300;

/// The package for Python that carries zig's compiler, with the version that was tried.
const ZIG: &str = "ziglang==0.13.0";

/// The steps of this file.
pub(crate) const STEPS: [&str; 4] = ["readers/bindgen", "readers/zig", "readers/luajit", "readers/cffi"];

/// All of them. `download`: whether zig may be fetched.
pub(crate) fn all(session: &mut Session, installed: &Result<Installed, String>, drivers: &Drivers, download: bool) {
    let installed = match installed {
        Ok(installed) => installed,
        Err(why) => return STEPS.iter().for_each(|step| session.report.step(step, || Outcome::skip(why))),
    };
    let environment = drivers.lavapipe.as_ref().map(|lavapipe| lavapipe.environment(&session.work));
    let library = installed.library.join("libavx_gpu.so");
    let (cdef, json) = (installed.include.join("avx_gpu.cdef"), installed.include.join("avx_gpu.json"));
    let run = |job: Job| job.envs([("LD_LIBRARY_PATH", &installed.library)]).envs(environment.clone().unwrap_or_default());
    let driver = drivers.lavapipe.as_ref().map(|_| ()).map_err(String::clone);

    let steps = session.has(Need::Bindgen).map(|()| bindgen(session, installed, &run));
    sequence(session, STEPS[0], steps);
    let steps = match session.report.wants(STEPS[1]) {
        true => zig(session, download).map(|compiler| by_zig(session, &compiler, installed, &run)),
        false => Err("not wanted".to_owned()),
    };
    sequence(session, STEPS[1], steps);
    let there = session.has(Need::LuaJit).and_then(|()| driver.clone());
    let steps = there.map(|()| vec![run(session.job("luajit", LIMIT).arg("tests/readers/saxpy.lua").arg(&cdef).arg(&library))]);
    sequence(session, STEPS[2], steps);
    let python = session.has(Need::Cffi).and(driver).and_then(|()| setup::cffi_python().ok_or_else(|| "cffi is gone".to_owned()));
    let steps = python.map(|python| {
        let job = session.job(python, LIMIT).arg("tests/readers/saxpy_cffi.py").args([&cdef, &json, &library]);
        vec![run(job).envs([("PYTHONDONTWRITEBYTECODE", "1")])]
    });
    sequence(session, STEPS[3], steps);
}

/// Runs jobs one after the other as a step, as long as they succeed.
fn sequence(session: &mut Session, step: &str, jobs: Result<Vec<Job>, String>) {
    let log = session.log(step);
    session.report.step(step, || {
        let jobs = match jobs {
            Ok(jobs) => jobs,
            Err(why) => return Outcome::skip(why),
        };
        for (number, job) in jobs.into_iter().enumerate() {
            let finished = job.run(&log.with_extension(number.to_string()));
            if !finished.ending.ok() {
                return Outcome::of(&finished);
            }
        }
        Outcome::pass()
    });
}

/// Rust of the header, compiled with a program and run.
fn bindgen(session: &Session, installed: &Installed, run: &impl Fn(Job) -> Job) -> Vec<Job> {
    let (bindings, program) = (session.work.join("readers-bindings.rs"), session.work.join("readers-bindgen"));
    let header = installed.include.join("avx_gpu.h");
    // Debian's bindgen is older than this macro, by which newer ones tell the header who reads it.
    let read = session.job("bindgen", LIMIT).arg(header).arg("--output").arg(&bindings).args(["--", "-D__BINDGEN__"]);
    let compile = session
        .job("rustc", LIMIT)
        .args(["--edition=2021", "-o"])
        .arg(&program)
        .arg("tests/readers/bindgen.rs")
        .arg("-L")
        .arg(&installed.library)
        .arg("-lavx_gpu")
        .envs([("AVX_GPU_BINDINGS", &bindings)]);
    vec![read, compile, run(session.job(&program, LIMIT))]
}

/// A program in zig that includes the header.
fn by_zig(session: &Session, compiler: &Path, installed: &Installed, run: &impl Fn(Job) -> Job) -> Vec<Job> {
    let (program, cache) = (session.work.join("readers-zig"), session.work.join("zig/cache"));
    let flag = |name: &str, path: &Path| {
        let mut text = std::ffi::OsString::from(name);
        text.push(path);
        text
    };
    let compile = session
        .job(compiler, LIMIT)
        .args(["build-exe", "tests/readers/main.zig", "-lc", "-lavx_gpu"])
        .args([flag("-I", &installed.include), flag("-L", &installed.library), flag("-femit-bin=", &program)])
        .arg("--cache-dir")
        .arg(&cache)
        .arg("--global-cache-dir")
        .arg(&cache);
    vec![compile, run(session.job(&program, LIMIT))]
}

/// The compiler of zig: from an earlier run, the system's, or (with `download`) out of the package; an `Err` is why there is none.
fn zig(session: &Session, download: bool) -> Result<PathBuf, String> {
    let folder = session.work.join("zig");
    let ours = folder.join("ziglang/zig");
    let runs = |program: &Path| session.job(program, 60).arg("version").run(&session.log("zig-version")).ending.ok();
    if let Some(found) = [ours.clone(), "zig".into()].into_iter().find(|program| runs(program)) {
        return Ok(found);
    }
    if !download {
        return Err("zig is not installed, and nothing is downloaded (--no-install)".to_owned());
    }
    session.has(Need::Pip).map_err(|why| format!("zig is not installed, and {why}"))?;
    fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let words = ["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--upgrade", "--target"];
    let fetched: Finished = session.job("python3", 900).args(words).arg(&folder).arg(ZIG).run(&session.log("zig-download"));
    if !fetched.ending.ok() {
        return Err(format!("zig is not installed, and pip gives no {ZIG}: {}", last_lines(&fetched.stderr, 1)));
    }
    if runs(&ours) { Ok(ours) } else { Err(format!("the zig in {ZIG} does not run here")) }
}
