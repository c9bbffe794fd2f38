//! Processes. They start without stdin and with a clean environment. Their output goes to files. At a time limit they are killed with their
//! children.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The ways in which a process can end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It ended by itself with this exit code.
    Exit(i32),
    /// A signal of this number ended it.
    Signal(i32),
    /// This tool killed it after this many seconds.
    TimedOut(u64),
    /// It could not be started. The text is the reason.
    NotStarted(String),
}

impl Ending {
    /// True for exit code 0.
    pub(crate) fn ok(&self) -> bool {
        *self == Ending::Exit(0)
    }

    /// The text for messages.
    pub(crate) fn words(&self) -> String {
        match self {
            Ending::Exit(code) => format!("exit code {code}"),
            Ending::Signal(number) => format!("killed by signal {number}{}", signal_name(*number)),
            Ending::TimedOut(seconds) => format!("hung: killed after its limit of {seconds} s"),
            Ending::NotStarted(why) => format!("could not be started: {why}"),
        }
    }
}

fn signal_name(number: i32) -> &'static str {
    match number {
        4 => " (illegal instruction)",
        6 => " (abort)",
        7 => " (bus error)",
        8 => " (arithmetic error)",
        9 => " (killed, perhaps for want of memory)",
        11 => " (segmentation fault)",
        _ => "",
    }
}

/// The results of a process.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// The way in which it ended.
    pub(crate) ending: Ending,
    /// Its standard output. Bytes that are not UTF-8 are replaced.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

impl Finished {
    /// The way it ended and the last lines of both outputs, for a report.
    pub(crate) fn tail(&self, lines: usize) -> String {
        let mut text = self.ending.words();
        for (name, output) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let last = last_lines(output, lines);
            if !last.is_empty() {
                text += &format!("\n-- end of {name} --\n{last}");
            }
        }
        text
    }
}

/// The last `count` lines that are not blank.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A process to be run.
pub(crate) struct Job {
    command: Command,
    limit: Duration,
}

impl Job {
    /// Describes a process of `program` with only the environment `environment`, in `directory`, that is killed after `limit_s` seconds.
    pub(crate) fn new(program: impl AsRef<OsStr>, environment: &BTreeMap<OsString, OsString>, directory: &Path, limit_s: u64) -> Job {
        let mut command = Command::new(program);
        command.env_clear().envs(environment).current_dir(directory);
        Job { command, limit: Duration::from_secs(limit_s) }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Job {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Job {
        self.command.args(args);
        self
    }

    /// Sets variables.
    pub(crate) fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Job {
        self.command.envs(variables);
        self
    }

    /// Sets the working directory.
    pub(crate) fn directory(mut self, directory: &Path) -> Job {
        self.command.current_dir(directory);
        self
    }

    /// Runs it, with standard output and error in the files `log`.out and `log`.err, which are kept.
    pub(crate) fn run(mut self, log: &Path) -> Finished {
        let (out, err) = (with_suffix(log, ".out"), with_suffix(log, ".err"));
        let mut start = || -> std::io::Result<Child> {
            fs::create_dir_all(log.parent().unwrap_or(log))?;
            self.command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
            self.command.spawn()
        };
        let ending = match start() {
            Ok(child) => wait(child, self.limit),
            Err(e) => Ending::NotStarted(format!("{}: {e}", self.command.get_program().display())),
        };
        let read = |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        Finished { ending, stdout: read(&out), stderr: read(&err) }
    }

    /// Runs it with this process's standard output and error, so that the user sees its output at once.
    pub(crate) fn run_visibly(mut self) -> Ending {
        match self.command.stdin(Stdio::null()).spawn() {
            Ok(child) => wait(child, self.limit),
            Err(e) => Ending::NotStarted(format!("{}: {e}", self.command.get_program().display())),
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Waits for up to `limit`, then kills the process and all processes that it started.
fn wait(mut child: Child, limit: Duration) -> Ending {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return ending(status),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                kill_tree(&mut child);
                return Ending::TimedOut(limit.as_secs());
            }
            Err(e) => return Ending::NotStarted(format!("cannot be waited for: {e}")),
        }
    }
}

#[cfg(unix)]
fn ending(status: ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt;
    status.code().map_or_else(|| Ending::Signal(status.signal().unwrap_or(0)), Ending::Exit)
}

#[cfg(not(unix))]
fn ending(status: ExitStatus) -> Ending {
    Ending::Exit(status.code().unwrap_or(-1))
}

/// Kills `child` and its descendants, so that a hung test under CTest or valgrind does not stay behind. The descendants are found in /proc
/// and have no process group of their own, so that Ctrl-C at the terminal still reaches them all.
fn kill_tree(child: &mut Child) {
    let below = descendants(child.id(), &parents());
    // An error here means that the process has ended by itself meanwhile, which is fine.
    let _ = child.kill();
    if !below.is_empty() {
        let pids = below.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        let _ = Command::new("sh").arg("-c").arg(format!("kill -KILL {pids}")).stderr(Stdio::null()).status();
    }
    let _ = child.wait();
}

/// The numbers of every process and its parent, from /proc; empty if there is no /proc.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, parent_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

/// The parent in a line of /proc/PID/stat: the second word after the program's name, which is in parentheses.
fn parent_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// All descendants of the process `root`, without `root`.
fn descendants(root: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid).filter(|pid| *pid != root));
        next += 1;
    }
    found.split_off(1)
}

/// The environment for all processes: the caller's environment without variables that change the outcome of tests (AVX_GPU_*, a choice of
/// Vulkan driver or layer) and without those that `cargo run` added for this program.
pub(crate) fn clean_environment(variables: impl IntoIterator<Item = (OsString, OsString)>, target: &Path) -> BTreeMap<OsString, OsString> {
    let mut clean: BTreeMap<OsString, OsString> = variables.into_iter().filter(|(name, _)| kept(&name.to_string_lossy())).collect();
    if let Some(path) = clean.remove(OsStr::new("LD_LIBRARY_PATH")) {
        let foreign = |p: &PathBuf| !p.as_os_str().is_empty() && !p.starts_with(target) && !in_toolchain(p);
        let rest: Vec<PathBuf> = std::env::split_paths(&path).filter(foreign).collect();
        if let Ok(joined) = std::env::join_paths(&rest)
            && !rest.is_empty()
        {
            clean.insert("LD_LIBRARY_PATH".into(), joined);
        }
    }
    clean
}

/// Whether a library folder belongs to the Rust toolchain; cargo adds those folders.
fn in_toolchain(path: &Path) -> bool {
    path.components().any(|c| c.as_os_str() == "toolchains" || c.as_os_str() == "rustlib")
}

fn kept(name: &str) -> bool {
    let of_this_program = name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(name, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "CARGO_MAKEFLAGS" | "MAKEFLAGS" | "MAKELEVEL");
    // The user may set seeds and counts of the random tests.
    let changes_outcomes = (name.starts_with("AVX_GPU_") && (!name.starts_with("AVX_GPU_TEST_") || name == "AVX_GPU_TEST_CHILD"))
        || name.starts_with("VK_LOADER_")
        || name.starts_with("CTEST_")
        || matches!(name, "VK_ICD_FILENAMES" | "VK_DRIVER_FILES" | "VK_ADD_DRIVER_FILES" | "VK_INSTANCE_LAYERS" | "VK_LAYER_ENABLES")
        || matches!(name, "LD_PRELOAD" | "RUST_BACKTRACE" | "RUST_TEST_THREADS" | "RUST_LOG");
    !of_this_program && !changes_outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit_s: u64) -> Finished {
        let folder = std::env::temp_dir().join(format!("xtask-run-{}-{:?}", std::process::id(), std::thread::current().id()));
        let environment = BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap_or_default())]);
        let finished = Job::new("sh", &environment, Path::new("/"), limit_s).args(["-c", script]).run(&folder.join("log"));
        fs::remove_dir_all(&folder).unwrap();
        finished
    }

    #[test]
    fn keeps_both_outputs_and_the_exit_code() {
        let finished = shell("echo out; echo err >&2; exit 3", 10);
        assert_eq!((finished.ending, finished.stdout.as_str(), finished.stderr.as_str()), (Ending::Exit(3), "out\n", "err\n"));
    }

    #[test]
    fn tells_a_signal_and_a_program_that_is_not_there() {
        assert_eq!(shell("kill -SEGV $$", 10).ending, Ending::Signal(11));
        let finished = Job::new("/no/such/program", &BTreeMap::new(), Path::new("/"), 1).run(&std::env::temp_dir().join("xtask-none"));
        assert!(matches!(finished.ending, Ending::NotStarted(why) if why.contains("/no/such/program")));
    }

    #[test]
    fn kills_what_hangs_and_its_children() {
        let start = Instant::now();
        let finished = shell("sleep 300 & echo $!; sleep 300", 1);
        assert_eq!(finished.ending, Ending::TimedOut(1));
        assert!(start.elapsed() < Duration::from_secs(60));
        let child: u32 = finished.stdout.trim().parse().unwrap();
        // The kernel takes a killed process down when it gets to it.
        let state = || fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let gone = || state().is_empty() || state().contains(") Z ");
        while !gone() && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(gone(), "the grandchild still runs: {}", state());
    }

    #[test]
    fn finds_descendants_in_the_table_of_parents() {
        assert_eq!(parent_of("12 (a (b) c) S 7 12 12 0"), Some(7));
        assert_eq!(parent_of("garbage"), None);
        let table = [(1, 0), (10, 1), (11, 10), (12, 11), (13, 10), (20, 1)];
        assert_eq!(descendants(10, &table), [11, 13, 12]);
        assert_eq!(descendants(20, &table), []);
    }

    #[test]
    fn the_environment_loses_what_would_change_outcomes() {
        let given = [
            ("AVX_GPU_DEVICE", "1"),
            ("AVX_GPU_TEST_SEED", "7"),
            ("VK_DRIVER_FILES", "/x.json"),
            ("CARGO_PKG_NAME", "xtask"),
            ("CARGO_HOME", "/home/a/.cargo"),
            ("VK_LAYER_PATH", "/sdk/layers"),
            ("LD_LIBRARY_PATH", "/w/target/debug/deps:/sdk/lib:/home/a/.rustup/toolchains/stable/lib"),
        ];
        let clean = clean_environment(given.map(|(k, v)| (k.into(), v.into())), Path::new("/w/target"));
        let left: Vec<_> = clean.iter().map(|(k, v)| (k.to_str().unwrap(), v.to_str().unwrap())).collect();
        let [seed, home] = [("AVX_GPU_TEST_SEED", "7"), ("CARGO_HOME", "/home/a/.cargo")];
        assert_eq!(left, [seed, home, ("LD_LIBRARY_PATH", "/sdk/lib"), ("VK_LAYER_PATH", "/sdk/layers")]);
    }

    #[test]
    fn last_lines_skips_blank_ones() {
        assert_eq!(last_lines("a\n\nb\n  \nc\n\n", 2), "b\nc");
        assert_eq!(last_lines("", 2), "");
    }
}
