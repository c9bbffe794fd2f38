//! Re-runs of one test in a process of its own, for state of the whole process: the environment, forks, memory counts.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The environment variable that is set in the process that a test has started.
const MARKER: &str = "AVX_GPU_TEST_CHILD";

/// Whether this process is one that `rerun` started.
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARKER).is_some()
}

/// Runs the test `name` of this binary again in a process of its own, with the variables set (`Some`) or removed (`None`), and
/// returns the output. If the test fails or hangs, panics with the output.
#[track_caller]
pub(crate) fn rerun(name: &str, variables: &[(&str, Option<&str>)]) -> String {
    let variables: Vec<_> = variables.iter().map(|&(variable, value)| (variable, value.map(OsStr::new))).collect();
    rerun_with_bytes(name, &variables)
}

/// As [`rerun`], with values that need not be UTF-8.
#[track_caller]
pub(crate) fn rerun_with_bytes(name: &str, variables: &[(&str, Option<&OsStr>)]) -> String {
    let exe = std::env::current_exe().expect("the path of the test");
    let mut command = Command::new(exe);
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(MARKER, "1");
    for (variable, value) in variables {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    let output = run(command);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed in its own process ({}) with {variables:?}:\n{said}", output.status);
    assert!(said.contains("1 passed"), "this binary has no test {name}:\n{said}");
    for line in said.lines().filter(|l| l.contains("SKIPPED:")) {
        println!("{line}");
    }
    said
}

/// The time limit of a child. No child runs this long, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs the command to its end, or until [`LIMIT`].
fn run(mut command: Command) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start the test again");
    let id = child.id();
    let (sender, receiver) = std::sync::mpsc::channel();
    let stdout = child.stdout.take().expect("piped");
    let stderr = child.stderr.take().expect("piped");
    let out = std::thread::spawn(move || drain(stdout));
    let err = std::thread::spawn(move || drain(stderr));
    std::thread::spawn(move || sender.send(child.wait()));
    let status = match receiver.recv_timeout(LIMIT) {
        Ok(status) => status.expect("wait for the process"),
        Err(_) => {
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
            panic!("the process hangs; it said: {}", String::from_utf8_lossy(&out.join().expect("reader")));
        }
    };
    Output { status, stdout: out.join().expect("reader"), stderr: err.join().expect("reader") }
}

/// The CPU time of this process, which does not depend on other work on the machine.
pub(crate) fn cpu_time() -> Duration {
    clock::process()
}

/// The CPU time of this thread, which does not depend on other work on the machine or in the process.
pub(crate) fn thread_time() -> Duration {
    clock::thread()
}

#[cfg(unix)]
mod clock {
    use std::time::Duration;

    fn read(clock: libc::clockid_t) -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes the timespec that it gets.
        let failed = unsafe { libc::clock_gettime(clock, &mut time) };
        assert_eq!(failed, 0, "the clock {clock}");
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
    }

    pub(super) fn process() -> Duration {
        read(libc::CLOCK_PROCESS_CPUTIME_ID)
    }

    pub(super) fn thread() -> Duration {
        read(libc::CLOCK_THREAD_CPUTIME_ID)
    }
}

/// The time since the first call, for systems whose clocks this file does not support.
#[cfg(not(unix))]
mod clock {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    pub(super) fn process() -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    pub(super) fn thread() -> Duration {
        process()
    }
}

/// Reads a pipe to its end.
fn drain(mut pipe: impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // After an error the pipe has no more output.
    let _ = pipe.read_to_end(&mut bytes);
    bytes
}

/// Runs `work` on a thread of its own and panics if it has not ended after `limit`.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(limit: Duration, what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    let start = Instant::now();
    let worker = std::thread::spawn(move || {
        // The receiver is gone only when the test has failed already.
        let _ = sender.send(work());
    });
    match receiver.recv_timeout(limit) {
        Ok(value) => {
            worker.join().expect("the worker has sent its answer");
            value
        }
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("{what} hangs: not done after {:?}", start.elapsed()),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => panic!("{what} failed: {:?}", worker.join().err().and_then(text_of)),
    }
}

/// The text of a panic.
fn text_of(payload: Box<dyn std::any::Any + Send>) -> Option<String> {
    payload.downcast_ref::<String>().cloned().or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned()))
}

/// A new empty folder in the system's temporary folder, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates the folder. `name` is a part of its name.
    pub(crate) fn new(name: &str) -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let unique = format!("avx_gpu_test_{name}_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).expect("make a temporary folder");
        Folder(path)
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path, as text for options and the environment.
    pub(crate) fn text(&self) -> &str {
        self.0.to_str().expect("temporary folders have UTF-8 names here")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Files that cannot be removed stay in the temporary folder, which the system clears.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
