//! Machines without a driver or without a loader: a program still starts, and its error message says what to install.

use super::cmake::Built;
use crate::drivers::{self, Configuration};
use crate::report::Outcome;
use crate::run::{Ending, Finished};
use crate::session::Session;
use std::ffi::OsString;

/// The time limit of an example in seconds.
const LIMIT: u64 = 120;

/// A machine with a loader and without a driver: the list of drivers names a file that does not exist.
pub(crate) fn driver(session: &mut Session, tree: &Built) {
    fails_with_advice(session, tree, "no_driver", &[]);
}

/// A machine without a loader: the first folder of the search path has empty files with the loader's names, which the dynamic linker
/// rejects.
pub(crate) fn loader(session: &mut Session, tree: &Built) {
    let folder = session.work.join("no-loader");
    let make = || {
        std::fs::create_dir_all(&folder)?;
        ["libvulkan.so.1", "libvulkan.so"].iter().try_for_each(|name| std::fs::write(folder.join(name), ""))
    };
    if let Err(e) = make() {
        session.report.step("no_loader", || Outcome::fail(format!("{}: {e}", folder.display())));
        return;
    }
    fails_with_advice(session, tree, "no_loader", &[("LD_LIBRARY_PATH".into(), folder.into())]);
}

fn fails_with_advice(session: &mut Session, tree: &Built, step: &str, variables: &[(OsString, OsString)]) {
    let tree = match tree {
        Ok(tree) => tree,
        Err(why) => return session.report.step(step, || Outcome::skip(why)),
    };
    let nothing = OsString::from("/nonexistent/none.json");
    let environment = drivers::driver_environment(&nothing, &session.work.join("cache/none"), &session.work.join("runtime"));
    let job = session.job(tree.example("saxpy"), LIMIT).envs(environment).envs(variables.iter().map(|(k, v)| (k, v)));
    let log = session.log(step);
    session.report.step(step, || advice(&job.run(&log)));
}

/// Passes if the program failed by itself with a message that says what to install.
fn advice(finished: &Finished) -> Outcome {
    let said = finished.stderr.to_lowercase();
    let by_itself = matches!(finished.ending, Ending::Exit(code) if code != 0);
    if by_itself && said.contains("vulkan") && said.contains("install") {
        return Outcome::pass();
    }
    Outcome::fail(format!("expected a failure whose message says which Vulkan part to install, got {}", finished.tail(20)))
}

/// Whether the library can open a device of the configuration, by the output of the example that lists devices. The error is the reason why
/// not.
pub(crate) fn opens(session: &Session, tree: &Built, configuration: &Configuration) -> Result<(), String> {
    // Without the example, the suites will show it.
    let Ok(tree) = tree else { return Ok(()) };
    let environment = configuration.clone().without_validation().environment(&session.work);
    let finished = session.job(tree.example("device_info"), LIMIT).envs(environment).run(&session.log("gpu-probe"));
    let unusable = finished.stdout.lines().find(|line| line.starts_with("No device can be used"));
    match (finished.ending.ok(), unusable) {
        (true, None) => Ok(()),
        (true, Some(line)) => Err(line.to_owned()),
        (false, _) => Err(format!("no usable GPU: {}", crate::run::last_lines(&finished.stderr, 1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_needs_a_failure_and_what_to_install() {
        let finished = |ending: Ending, stderr: &str| Finished { ending, stdout: String::new(), stderr: stderr.into() };
        let message = "AVX_ERROR_NO_DRIVER: no Vulkan driver; install mesa-vulkan-drivers";
        assert!(advice(&finished(Ending::Exit(1), message)).ok());
        assert!(!advice(&finished(Ending::Exit(0), message)).ok());
        assert!(!advice(&finished(Ending::Signal(11), message)).ok());
        assert!(!advice(&finished(Ending::Exit(1), "failed")).ok());
    }
}
