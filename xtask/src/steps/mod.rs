//! The steps of `cargo xtask test`, in the order in which they run. Steps that are quick and fail often come first.

mod abi;
mod cmake;
mod header;
mod instructions;
mod library;
mod no_driver;
mod python;
mod readers;
mod rust;
mod valgrind;

pub(crate) use abi::write as write_abi;
pub(crate) use cmake::{build as build_tree, configure as configure_tree};
pub(crate) use instructions::checked_in as checked_in_instructions;

use crate::drivers::Configuration;
use crate::packages::Need;
use crate::report::Outcome;
use crate::session::Session;
use crate::test_drivers::Drivers;

/// Runs all steps. `install` says whether drivers may be downloaded.
pub(crate) fn all(session: &mut Session, install: bool) {
    let before = library::Header::read(session);
    rust::lints(session);
    let drivers = Drivers::find(session, install);
    let configurations = configurations(&drivers, session.validation());
    validation_layer(session);

    rust::own_tests(session);
    let binaries = rust::build(session, &configurations);
    rust::unit_tests(session, binaries.as_deref(), &drivers, install);
    for (name, configuration) in &configurations {
        rust::suite(session, binaries.as_deref(), name, configuration);
    }
    rust::null_suite(session, binaries.as_deref(), &drivers);
    rust::doc_tests(session);

    let release = cmake::release(session, &configurations, &drivers);
    cmake::debug(session, &drivers);
    cmake::clang(session);
    if let Some(gpu) = gpu(session, &drivers, &release) {
        rust::suite(session, binaries.as_deref(), "gpu", &Ok(gpu.clone()));
        cmake::suite(session, &release, "cmake/release/gpu", &gpu);
    }
    cmake::consumer(session, &release, &drivers);

    library::symbols(session, &release);
    library::dynamic_section(session, &release);
    header::warnings(session);
    header::doxygen(session);
    let installed = header::install(session, &release, &readers::STEPS);
    readers::all(session, &installed, &drivers, install);
    abi::all(session, &release, &drivers);
    python::bindings(session, &release, &drivers);
    no_driver::driver(session, &release);
    no_driver::loader(session, &release);
    valgrind::suites(session, &release, &drivers);
    instructions::step(session, &drivers);
    before.unchanged(session);
}

/// A configuration with the name of its steps, or the reason why it cannot be run.
type Named = (&'static str, Result<Configuration, String>);

/// The software drivers, each with all of its features and in baseline mode. SwiftShader's baseline separates the effects of the baseline
/// mode from those of the driver. Several queues run without the validation layer, because old versions of it lose track of them. lavapipe
/// has one queue, which the library's queues then share.
fn configurations(drivers: &Drivers, validation: bool) -> Vec<Named> {
    let baseline =
        |driver: &Result<Configuration, String>, name| driver.clone().map(|c| Configuration { name, baseline: true, validation, ..c });
    let queues = drivers.lavapipe.clone().map(|c| Configuration { name: "lavapipe-queues", queues: Some(3), ..c.without_validation() });
    vec![
        ("lavapipe", drivers.lavapipe.clone()),
        ("lavapipe-queues", queues),
        ("swiftshader", drivers.swiftshader.clone()),
        ("lavapipe-baseline", baseline(&drivers.lavapipe, "lavapipe-baseline")),
        ("swiftshader-baseline", baseline(&drivers.swiftshader, "swiftshader-baseline")),
    ]
}

/// A step that is skipped, with a reason, if the validation layer is missing.
fn validation_layer(session: &mut Session) {
    let validation = session.has(Need::Validation);
    session.report.step("validation-layer", || match validation {
        Ok(()) => Outcome::pass(),
        Err(why) => Outcome::skip(format!("{why}; the suites run without it")),
    });
}

/// The configuration of this machine's GPU, if the library can open it. Otherwise its steps are skipped with the reason.
fn gpu(session: &mut Session, drivers: &Drivers, release: &cmake::Built) -> Option<Configuration> {
    let names = ["rust/gpu", "cmake/release/gpu"];
    if !names.iter().any(|name| session.report.wants(name)) {
        return None;
    }
    let opened = drivers.gpu.clone().and_then(|gpu| no_driver::opens(session, release, &gpu).map(|()| gpu));
    match opened {
        Ok(gpu) => Some(gpu),
        Err(why) => {
            session.report.step("rust/gpu", || Outcome::skip(why.clone()));
            session.report.step("cmake/release/gpu", || Outcome::skip(why));
            None
        }
    }
}
