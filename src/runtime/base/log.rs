//! The log: a sink for the process, a sink for each device that wants its own, and lines that wait until a thread of the caller can deliver
//! them with no lock held.
//!
//! Lines arise under locks and on threads of the driver, so they are queued. The boundary delivers them when a call returns.

use super::handle::Token;
use super::lock::{Guard, Lock, rank};
use crate::sys::{self, DefaultThreadState};
use std::cell::Cell;
use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Condvar, OnceLock};

/// How much a line matters. The log keeps a line whose level is at most the level that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub(crate) enum Level {
    Off = 0,
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
}

impl Level {
    pub(crate) fn from_number(number: i32) -> Option<Level> {
        [Level::Off, Level::Error, Level::Warn, Level::Info, Level::Debug].into_iter().find(|l| *l as i32 == number)
    }

    fn from_name(name: &str) -> Option<Level> {
        match name {
            "off" => Some(Level::Off),
            "error" => Some(Level::Error),
            "warn" => Some(Level::Warn),
            "info" => Some(Level::Info),
            "debug" => Some(Level::Debug),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

/// One line, and what it is about.
pub(crate) struct Record {
    pub(crate) level: Level,
    pub(crate) text: String,
    /// The label of the kernel that reported it.
    pub(crate) kernel: Option<Arc<str>>,
    /// The global invocation id that reported it.
    pub(crate) invocation: Option<[u32; 3]>,
}

impl Record {
    /// A line that no kernel reported.
    pub(crate) fn new(level: Level, text: impl Into<String>) -> Record {
        Record { level, text: text.into(), kernel: None, invocation: None }
    }
}

/// Where lines go. Each comes with the device that it is about; NULL if there is none.
pub(crate) type Sink = Arc<dyn Fn(&Record, Token) + Send + Sync>;

/// Where the lines of one device go: to a sink of its own, or to the sink of the process.
pub(crate) struct DeviceLog {
    own: Option<(Sink, Level)>,
    /// The name of the device, once it has one.
    device: OnceLock<Token>,
    lines: Lock<Lines, { rank::DEVICE_LOG }>,
    /// Signalled when no line waits or is being delivered any more.
    quiet: Condvar,
}

#[derive(Default)]
struct Lines {
    /// Lines that wait or are being delivered.
    count: usize,
    /// The log takes no more lines.
    closed: bool,
}

impl DeviceLog {
    /// A log with a sink of the device's own for lines up to a level, or a log without.
    pub(crate) fn new(own: Option<(Sink, Level)>) -> DeviceLog {
        DeviceLog { own, device: OnceLock::new(), lines: Lock::default(), quiet: Condvar::new() }
    }

    /// Tells the log the name of the device.
    pub(crate) fn set_device(&self, token: Token) {
        self.device.get_or_init(|| token);
    }

    /// Queues a line about the device, to be delivered when the current or the next call returns.
    pub(crate) fn line(self: &Arc<Self>, level: Level, text: impl Into<String>) {
        let is_wanted = self.own.as_ref().map_or_else(|| enabled(level), |(_, most)| level <= *most);
        if is_wanted && level != Level::Off && !in_callback() && self.begin() {
            queue(Entry { from: Some(self.clone()), record: Record::new(level, text), of_environment: false });
        }
    }

    /// Queues what a kernel of the device reported, in one piece. The records go to the sink at any level, and to stderr where there is no
    /// sink.
    pub(crate) fn reports(self: &Arc<Self>, records: Vec<Record>) {
        let mut state = state();
        for record in records.into_iter().filter(|_| self.begin()) {
            state.reports.push(Entry { from: Some(self.clone()), record, of_environment: false });
            ANY_WAITING.store(true, Ordering::Release);
        }
    }

    /// Waits until no line of the device waits or is being delivered, and takes no more lines. The caller delivers the lines that wait
    /// before this.
    pub(crate) fn close(&self) {
        let mut lines = self.lines();
        while lines.count > 0 {
            lines = lines.wait(&self.quiet);
        }
        lines.closed = true;
    }

    fn lines(&self) -> Guard<'_, Lines> {
        self.lines.lock()
    }

    /// Counts a line that is about to wait. False if the log takes no more lines.
    fn begin(&self) -> bool {
        let mut lines = self.lines();
        lines.count += usize::from(!lines.closed);
        !lines.closed
    }

    /// A line was delivered or dropped.
    fn end(&self) {
        let mut lines = self.lines();
        lines.count -= 1;
        if lines.count == 0 {
            self.quiet.notify_all();
        }
    }
}

/// A line that waits, with the log of the device that it is about. That log has counted the line by [`DeviceLog::begin`].
struct Entry {
    from: Option<Arc<DeviceLog>>,
    record: Record,
    /// See [`warn_of_environment`].
    of_environment: bool,
}

impl Entry {
    /// Gives the line to the device's sink, or to the process's sink. If there is neither, a line that is to be `printed` goes to stderr.
    fn deliver(self, sink: Option<&Sink>, printed: bool) {
        let own = self.from.as_ref().and_then(|log| log.own.as_ref()).map(|(own, _)| own);
        let device = self.from.as_ref().and_then(|log| log.device.get()).copied().unwrap_or_default();
        match own.or(sink) {
            Some(sink) => sink(&self.record, device),
            // A closed stderr is no reason to fail. `eprintln!` would panic.
            None if printed => drop(writeln!(std::io::stderr(), "avx_gpu {}: {}", self.record.level.name(), self.record.text)),
            None => {}
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(log) = &self.from {
            log.end();
        }
    }
}

/// The most lines that wait. Beyond it the oldest line is dropped, so that a program that makes no calls does not grow under a noisy
/// driver.
const MAX_WAITING: usize = 1024;

struct State {
    sink: Option<Sink>,
    /// From the environment: the level of lines that go to stderr where no sink is set.
    stderr: Level,
    /// AVX_GPU_LOG asks for no warnings.
    wants_no_warnings: bool,
    waiting: VecDeque<Entry>,
    /// What kernels reported. The user asked for it, so nothing of it is dropped, whatever the level is.
    reports: Vec<Entry>,
    /// A thread is delivering reports.
    reporting: bool,
    /// The number of deliveries that run now. They may use a sink that is being replaced.
    running: usize,
}

static STATE: Lock<State, { rank::LOG }> = Lock::new(State {
    sink: None,
    stderr: Level::Off,
    wants_no_warnings: false,
    waiting: VecDeque::new(),
    reports: Vec::new(),
    reporting: false,
    running: 0,
});
static QUIET: Condvar = Condvar::new();
static LEVEL: AtomicI32 = AtomicI32::new(Level::Off as i32);
static ANY_WAITING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

fn state() -> Guard<'static, State> {
    STATE.lock()
}

/// Takes the level from AVX_GPU_LOG, once, before the first line.
pub(crate) fn read_environment() {
    let value = sys::variable("AVX_GPU_LOG").unwrap_or_default();
    let value = value.to_string_lossy();
    let asked = level_asked(&value);
    let level = asked.unwrap_or(Some(Level::Warn));
    let mut state = state();
    state.wants_no_warnings = level.is_some_and(|level| level < Level::Warn);
    state.stderr = level.unwrap_or(Level::Off);
    if state.sink.is_none() {
        LEVEL.store(state.stderr as i32, Ordering::Relaxed);
    }
    drop(state);
    if asked.is_err() {
        warn_of_environment(format!(
            "AVX_GPU_LOG=\"{}\" in the environment is no level: off, error, warn, info and debug are allowed, and warn is taken",
            value.trim()
        ));
    }
}

/// The level in a value of AVX_GPU_LOG; none in a blank one. The error is for a word that is no level.
fn level_asked(value: &str) -> Result<Option<Level>, ()> {
    match value.trim().to_ascii_lowercase().as_str() {
        "" => Ok(None),
        word => Level::from_name(word).map(Some).ok_or(()),
    }
}

/// Replaces the sink. When this returns, the old sink is not running and never runs again.
pub(crate) fn set_sink(sink: Option<Sink>, level: Level) {
    let mut state = state();
    let level = if sink.is_some() { level } else { state.stderr };
    state.sink = sink;
    LEVEL.store(level as i32, Ordering::Relaxed);
    while state.running > 0 {
        state = state.wait(&QUIET);
    }
}

/// True if a line of that level about no device goes anywhere. To be asked before a costly line is built.
pub(crate) fn enabled(level: Level) -> bool {
    level as i32 <= LEVEL.load(Ordering::Relaxed)
}

/// Queues a line about no device, to be delivered when the current or the next call returns.
pub(crate) fn line(level: Level, text: impl Into<String>) {
    // The lines of calls that a callback makes are not for the callback, which would never end.
    if enabled(level) && level != Level::Off && !in_callback() {
        queue(Entry { from: None, record: Record::new(level, text), of_environment: false });
    }
}

/// Queues a warning about a variable of the environment whose value cannot be used. Where no callback is set it goes to stderr, also if
/// AVX_GPU_LOG is unset: who sets a variable for a run looks there. AVX_GPU_LOG=off and AVX_GPU_LOG=error suppress it.
pub(crate) fn warn_of_environment(text: impl Into<String>) {
    if !in_callback() {
        queue(Entry { from: None, record: Record::new(Level::Warn, text), of_environment: true });
    }
}

fn queue(entry: Entry) {
    let mut state = state();
    if state.waiting.len() >= MAX_WAITING {
        state.waiting.pop_front();
    }
    state.waiting.push_back(entry);
    ANY_WAITING.store(true, Ordering::Release);
}

/// True on a thread that is inside the user's log callback.
pub(crate) fn in_callback() -> bool {
    IN_CALLBACK.get()
}

/// Delivers the lines that wait. The caller holds no lock of this library. One thread at a time delivers reports, and it delivers those
/// that come meanwhile too, so that reports keep their order.
pub(crate) fn deliver() {
    if !ANY_WAITING.load(Ordering::Acquire) {
        return;
    }
    let _default = DefaultThreadState::enter();
    let mut state = state();
    ANY_WAITING.store(false, Ordering::Relaxed);
    state.running += 1;
    let reporting = !std::mem::replace(&mut state.reporting, true);
    let mut lines = std::mem::take(&mut state.waiting);
    loop {
        let reports = if reporting { std::mem::take(&mut state.reports) } else { Vec::new() };
        if lines.is_empty() && reports.is_empty() {
            break;
        }
        let (sink, stderr) = (state.sink.clone(), state.stderr);
        let of_environment = if sink.is_some() { enabled(Level::Warn) } else { !state.wants_no_warnings };
        drop(state);
        IN_CALLBACK.set(true);
        for entry in lines.drain(..).filter(|entry| of_environment || !entry.of_environment) {
            let printed = entry.of_environment || entry.record.level <= stderr;
            entry.deliver(sink.as_ref(), printed);
        }
        reports.into_iter().for_each(|entry| entry.deliver(sink.as_ref(), true));
        IN_CALLBACK.set(false);
        drop(sink);
        state = self::state();
    }
    if reporting {
        state.reporting = false;
    }
    state.running -= 1;
    if state.running == 0 {
        QUIET.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_the_environment() {
        assert_eq!(level_asked(" Debug "), Ok(Some(Level::Debug)));
        assert_eq!(level_asked("off"), Ok(Some(Level::Off)));
        assert_eq!(level_asked(" "), Ok(None));
        for nonsense in ["verbose", "3", "warn,info"] {
            assert_eq!(level_asked(nonsense), Err(()), "{nonsense}");
        }
    }
}
