//! SwiftShader and the null ("mock") driver. No distribution has packages of them, but Debian's chromium-common contains both. The package
//! is downloaded and unpacked, but not installed, because it has a hundred dependencies.

use crate::report::Outcome;
use crate::run::Finished;
use crate::session::Session;
use std::fs;
use std::path::{Path, PathBuf};

const PACKAGE: &str = "chromium-common";
const SWIFTSHADER: &str = "libvk_swiftshader.so";
const NULL: &str = "libVkICD_mock_icd.so";

/// The folders where an installed browser has them.
const INSTALLED: [&str; 4] = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome", "/usr/lib64/chromium-browser"];

/// The libraries of the two drivers. An `Err` is the reason why one is missing.
pub(crate) struct Libraries {
    /// SwiftShader.
    pub(crate) swiftshader: Result<PathBuf, String>,
    /// The driver that does nothing.
    pub(crate) null: Result<PathBuf, String>,
}

/// The drivers' libraries: from an earlier run, an installed browser, or (with `download`) the package.
pub(crate) fn drivers(session: &Session, download: bool) -> Libraries {
    let ours = session.work.join("chromium");
    let mut folders = vec![ours.clone()];
    folders.extend(INSTALLED.map(PathBuf::from));
    let find = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    let why = if find(SWIFTSHADER).is_some() && find(NULL).is_some() {
        String::new()
    } else if download {
        println!("Downloading {PACKAGE} for SwiftShader and the null driver (into {}, not installed)", ours.display());
        fetch(session, &ours).err().unwrap_or_else(|| format!("the package {PACKAGE} holds no such library"))
    } else {
        "not found, and nothing is downloaded (--no-install)".to_owned()
    };
    let result = |title: &str, name: &str| find(name).ok_or_else(|| format!("{title} is not there: {why}"));
    Libraries { swiftshader: result("SwiftShader", SWIFTSHADER), null: result("the null driver", NULL) }
}

/// Downloads the package and moves the two libraries into `folder`.
fn fetch(session: &Session, folder: &Path) -> Result<(), String> {
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
    let downloaded = session.job("apt-get", 600).args(["download", PACKAGE]).directory(&scratch).run(&session.log("chromium-download"));
    say(&format!("apt-get download {PACKAGE}"), &downloaded)?;
    let package = fs::read_dir(&scratch).map_err(io)?.filter_map(Result::ok).map(|e| e.path());
    let package = package.into_iter().find(|p| p.extension().is_some_and(|e| e == "deb"));
    let package = package.ok_or_else(|| format!("apt-get download {PACKAGE} left no package"))?;
    let unpacked = session.job("dpkg", 600).arg("-x").arg(&package).arg(scratch.join("files")).run(&session.log("chromium-unpack"));
    say(&format!("dpkg -x {}", package.display()), &unpacked)?;
    for name in [SWIFTSHADER, NULL] {
        let from = scratch.join("files/usr/lib/chromium").join(name);
        if from.is_file() {
            fs::rename(from, folder.join(name)).map_err(io)?;
        }
    }
    fs::remove_dir_all(&scratch).map_err(io)
}
