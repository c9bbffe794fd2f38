//! What a run knows and keeps: where things are, what the machine has, the drivers, and the account of steps.

use crate::drivers::{self, Configuration, Kind};
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
    /// Our own folder in it: build trees, logs, drivers' caches.
    pub(crate) work: PathBuf,
    /// What the machine has.
    pub(crate) found: Found,
    /// The account.
    pub(crate) report: Report,
    environment: BTreeMap<OsString, OsString>,
}

/// The drivers that tests run on; an `Err` is why there is none.
pub(crate) struct Drivers {
    /// Mesa's software driver.
    pub(crate) lavapipe: Result<Configuration, String>,
    /// SwiftShader, Google's software driver.
    pub(crate) swiftshader: Result<Configuration, String>,
    /// The driver that accepts every call and does nothing.
    pub(crate) null: Result<Configuration, String>,
    /// This machine's own GPU.
    pub(crate) gpu: Result<Configuration, String>,
}

/// The checkout and cargo's target folder, as cargo tells them.
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

/// The cargo that runs this program, so that all is built by one toolchain.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Session {
    /// A run in the checkout `root`.
    pub(crate) fn new(root: PathBuf, target: PathBuf, found: Found, report: Report) -> Session {
        let mut environment = run::clean_environment(std::env::vars_os(), &target);
        // Output is read by this program, so it is in no language but C's and has no colours.
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

    /// A cargo process. Builds of a fresh checkout on a small machine take minutes.
    pub(crate) fn cargo(&self, limit_s: u64) -> Job {
        self.job(cargo(), limit_s)
    }

    /// The file (without its ending) that the output of the step `name` goes to.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.work.join("logs").join(name.replace(['/', ' '], "-"))
    }

    /// Whether the machine has `need`, else a reason to skip what needs it.
    pub(crate) fn has(&self, need: Need) -> Result<(), String> {
        if self.found.has.contains(&need) { Ok(()) } else { Err(format!("{} is not installed", need.name())) }
    }

    /// The validation layer is used where it is installed.
    pub(crate) fn validation(&self) -> bool {
        self.found.has.contains(&Need::Validation)
    }

    /// Finds the drivers. SwiftShader and the null driver come out of the browser's package if `install` allows a download.
    pub(crate) fn drivers(&self, install: bool) -> Drivers {
        let configuration =
            |name, manifests| Configuration { name, manifests, baseline: false, validation: self.validation(), queues: None };
        let installed = drivers::manifests(&drivers::loader_folders("icd.d"));
        let lavapipe = drivers::joined(&installed, Kind::Lavapipe)
            .map(|m| configuration("lavapipe", m))
            .ok_or_else(|| "the lavapipe driver (Debian: mesa-vulkan-drivers) is not installed".to_owned());
        let gpu = match drivers::joined(&installed, Kind::Hardware) {
            Some(manifests) if !drivers::gpu_files().is_empty() => Ok(configuration("gpu", manifests)),
            _ => Err("this machine has no GPU with a Vulkan driver".to_owned()),
        };
        let users =
            ["rust/swiftshader", "rust/swiftshader-baseline", "cmake/release/swiftshader", "rust/null", "valgrind/null", "instructions"];
        let extra = crate::chromium::drivers(self, install && users.iter().any(|step| self.report.wants(step)));
        let from_library = |name, library: Result<PathBuf, String>| {
            let library = library?;
            let manifest = self.work.join("drivers").join(format!("{name}.json"));
            let write = || {
                std::fs::create_dir_all(self.work.join("drivers"))?;
                std::fs::write(&manifest, drivers::manifest_text(&library))
            };
            write().map_err(|e| format!("cannot write {}: {e}", manifest.display()))?;
            Ok(configuration(name, manifest.into()))
        };
        // The null driver reports nothing that validation could be right about, and lacks what a timeline needs.
        let null = from_library("null", extra.null).map(|c| Configuration { baseline: true, ..c.without_validation() });
        Drivers { lavapipe, swiftshader: from_library("swiftshader", extra.swiftshader), null, gpu }
    }

    /// Makes our folders. The one for sockets is the user's alone, as the rules for XDG_RUNTIME_DIR want it.
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

    /// How many processes a build may use.
    pub(crate) fn parallel(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::env::var("CARGO_BUILD_JOBS").unwrap_or_else(|_| cores.to_string())
    }

    /// Runs `job` so that a person sees it, and gives its failure as words.
    pub(crate) fn show(&self, name: &str, job: Job) -> Result<(), String> {
        match job.run_visibly() {
            Ending::Exit(0) => Ok(()),
            ending => Err(format!("{name}: {}", ending.words())),
        }
    }
}
