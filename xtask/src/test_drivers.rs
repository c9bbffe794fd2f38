//! The drivers that the tests of a run use.

use crate::chromium;
use crate::drivers::{self, Configuration, Kind};
use crate::session::Session;
use std::path::PathBuf;

/// The drivers that tests run on. An `Err` is the reason why one is missing.
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

impl Drivers {
    /// Finds the drivers. If `install` is set and a step needs them, SwiftShader and the null driver are downloaded in a browser's package.
    pub(crate) fn find(session: &Session, install: bool) -> Drivers {
        let configuration =
            |name, manifests| Configuration { name, manifests, baseline: false, validation: session.validation(), queues: None };
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
        let extra = chromium::drivers(session, install && users.iter().any(|step| session.report.wants(step)));
        let from_library = |name, library: Result<PathBuf, String>| {
            let library = library?;
            let manifest = session.work.join("drivers").join(format!("{name}.json"));
            let write = || {
                std::fs::create_dir_all(session.work.join("drivers"))?;
                std::fs::write(&manifest, drivers::manifest_text(&library))
            };
            write().map_err(|e| format!("cannot write {}: {e}", manifest.display()))?;
            Ok(configuration(name, manifest.into()))
        };
        // The null driver returns no true values, so that validation would report false errors. It also lacks timeline semaphores.
        let null = from_library("null", extra.null).map(|c| Configuration { baseline: true, ..c.without_validation() });
        Drivers { lavapipe, swiftshader: from_library("swiftshader", extra.swiftshader), null, gpu }
    }
}
