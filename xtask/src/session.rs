//! The state of a run: the folders, the facts about the machine, and the report on the steps.

use crate::json::Json;
use crate::packages::Need;
use crate::report::Report;
use crate::run::{self, Ending, Job};
use crate::setup::Found;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A run of one of the commands.
pub(crate) struct Session {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// cargo's target folder.
    pub(crate) target: PathBuf,
    /// This tool's folder in it, with build trees, logs and the caches of drivers.
    pub(crate) work: PathBuf,
    /// The facts about the machine.
    pub(crate) found: Found,
    /// The report.
    pub(crate) report: Report,
    environment: BTreeMap<OsString, OsString>,
}

/// The checkout and cargo's target folder, by the output of cargo.
pub(crate) fn folders() -> Result<(PathBuf, PathBuf), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default();
    let output = std::process::Command::new(cargo())
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(&root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot run cargo metadata in {}: {e}", root.display()))?;
    let metadata = Json::parse(&String::from_utf8_lossy(&output.stdout)).map_err(|e| format!("cargo metadata: {e}"))?;
    let target = metadata.get("target_directory").text().ok_or("cargo metadata names no target_directory")?;
    Ok((root, target.into()))
}

/// The cargo that runs this program, so that one toolchain builds everything.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Session {
    /// Starts a run in the checkout `root`.
    pub(crate) fn new(root: PathBuf, target: PathBuf, found: Found, report: Report) -> Session {
        let mut environment = run::clean_environment(std::env::vars_os(), &target);
        // This program reads the output, so the locale is C and there are no colours.
        environment.insert("LC_ALL".into(), "C.UTF-8".into());
        environment.insert("CARGO_TERM_COLOR".into(), "never".into());
        if let Some(shaderc) = &found.shaderc {
            environment.insert("AVX_GPU_SHADERC".into(), shaderc.into());
        }
        let work = target.join("xtask");
        Session { root, target, work, found, report, environment }
    }

    /// A process in the checkout with the clean environment, killed after `limit_s` seconds.
    pub(crate) fn job(&self, program: impl AsRef<OsStr>, limit_s: u64) -> Job {
        Job::new(program, &self.environment, &self.root, limit_s)
    }

    /// A cargo process. On a small machine builds of a fresh checkout take minutes.
    pub(crate) fn cargo(&self, limit_s: u64) -> Job {
        self.job(cargo(), limit_s)
    }

    /// The file for the output of the step `name`, without its extension.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.work.join("logs").join(name.replace(['/', ' '], "-"))
    }

    /// Whether the machine has `need`. The error is the reason to skip what needs it.
    pub(crate) fn has(&self, need: Need) -> Result<(), String> {
        if self.found.has.contains(&need) { Ok(()) } else { Err(format!("{} is not installed", need.name())) }
    }

    /// Whether the validation layer is installed, in which case it is used.
    pub(crate) fn validation(&self) -> bool {
        self.found.has.contains(&Need::Validation)
    }

    /// Creates this tool's folders. Only the user can access the one for sockets, as the rules for XDG_RUNTIME_DIR require.
    pub(crate) fn make_folders(&self) -> Result<(), String> {
        let runtime = self.work.join("runtime");
        for folder in [&self.work, &self.work.join("logs"), &self.work.join("cache"), &runtime] {
            std::fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700))
                .map_err(|e| format!("cannot set the mode of {}: {e}", runtime.display()))?;
        }
        Ok(())
    }

    /// The number of processes that a build may use.
    pub(crate) fn parallel(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::env::var("CARGO_BUILD_JOBS").unwrap_or_else(|_| cores.to_string())
    }

    /// Runs `job` so that the user sees its output. The error is a message.
    pub(crate) fn show(&self, name: &str, job: Job) -> Result<(), String> {
        match job.run_visibly() {
            Ending::Exit(0) => Ok(()),
            ending => Err(format!("{name}: {}", ending.words())),
        }
    }
}
