//! The log: a sink for the process, one for each device that wants its own, and lines that wait until a caller's thread can deliver them
//! with no lock held.
//!
//! Lines arise under locks and on the driver's threads, so they are queued; the boundary delivers them when a call returns.

use super::handle::Token;
use super::lock::{Guard, Lock, rank};
use std::cell::Cell;
use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Condvar, OnceLock};

/// How much a line matters; a line is kept when its level is at most the one set.
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

/// One line, with what it is about.
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

/// Where lines go, each with the device that it is about (NULL: none).
pub(crate) type Sink = Arc<dyn Fn(&Record, Token) + Send + Sync>;

/// Where the lines of one device go: to a sink of its own, or with all others to the process's.
pub(crate) struct DeviceLog {
    own: Option<(Sink, Level)>,
    /// The device's name, once it has one.
    device: OnceLock<Token>,
    lines: Lock<Lines, { rank::DEVICE_LOG }>,
    /// No line waits or is delivered any more.
    quiet: Condvar,
}

#[derive(Default)]
struct Lines {
    /// Lines that wait or are being delivered.
    count: usize,
    /// Lines are not taken any more.
    closed: bool,
}

impl DeviceLog {
    /// With a sink of the device's own for lines up to a level, or without.
    pub(crate) fn new(own: Option<(Sink, Level)>) -> DeviceLog {
        DeviceLog { own, device: OnceLock::new(), lines: Lock::default(), quiet: Condvar::new() }
    }

    /// The device has this name.
    pub(crate) fn set_device(&self, token: Token) {
        self.device.get_or_init(|| token);
    }

    /// Queues a line about the device, to be delivered when the current or the next call returns.
    pub(crate) fn line(self: &Arc<Self>, level: Level, text: impl Into<String>) {
        let is_wanted = self.own.as_ref().map_or_else(|| enabled(level), |(_, most)| level <= *most);
        if is_wanted && level != Level::Off && !in_callback() && self.begin() {
            queue(Entry { from: Some(self.clone()), record: Record::new(level, text) });
        }
    }

    /// Queues what a kernel of the device reported, in one piece: it goes to the sink at any level, and to stderr where there is none.
    pub(crate) fn reports(self: &Arc<Self>, records: Vec<Record>) {
        let mut state = state();
        for record in records.into_iter().filter(|_| self.begin()) {
            state.reports.push(Entry { from: Some(self.clone()), record });
            ANY_WAITING.store(true, Ordering::Release);
        }
    }

    /// Waits until no line of the device is being delivered, and takes none any more. Lines that wait go first: the caller delivers them.
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

    /// A line is about to wait; false if none are taken any more.
    fn begin(&self) -> bool {
        let mut lines = self.lines();
        lines.count += usize::from(!lines.closed);
        !lines.closed
    }

    /// A line was delivered, or dropped.
    fn end(&self) {
        let mut lines = self.lines();
        lines.count -= 1;
        if lines.count == 0 {
            self.quiet.notify_all();
        }
    }
}

/// A line that waits, and the log of the device that it is about, which has counted it by [`DeviceLog::begin`].
struct Entry {
    from: Option<Arc<DeviceLog>>,
    record: Record,
}

impl Entry {
    /// Gives the line to the device's sink, else to the process's; to stderr if there is neither and it is to be `printed`.
    fn deliver(self, sink: Option<&Sink>, printed: bool) {
        let own = self.from.as_ref().and_then(|log| log.own.as_ref()).map(|(own, _)| own);
        let device = self.from.as_ref().and_then(|log| log.device.get()).copied().unwrap_or_default();
        match own.or(sink) {
            Some(sink) => sink(&self.record, device),
            // A closed stderr is no reason to fail, as eprintln! would.
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

/// Lines that wait at most; beyond that the oldest go, so that a silent program with a noisy driver does not grow.
const MAX_WAITING: usize = 1024;

struct State {
    sink: Option<Sink>,
    /// From the environment: lines go to stderr where no sink is set.
    stderr: Level,
    waiting: VecDeque<Entry>,
    /// What kernels reported, which was asked for: none of it is dropped, whatever the level.
    reports: Vec<Entry>,
    /// A thread delivers reports.
    reporting: bool,
    /// Deliveries that run now, of a sink that may be the one being replaced.
    running: usize,
}

static STATE: Lock<State, { rank::LOG }> =
    Lock::new(State { sink: None, stderr: Level::Off, waiting: VecDeque::new(), reports: Vec::new(), reporting: false, running: 0 });
static QUIET: Condvar = Condvar::new();
static LEVEL: AtomicI32 = AtomicI32::new(Level::Off as i32);
static ANY_WAITING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

fn state() -> Guard<'static, State> {
    STATE.lock()
}

/// Reads AVX_GPU_LOG's value, once, before the first line.
pub(crate) fn set_environment(value: Option<&str>) {
    let level = value.and_then(|v| Level::from_name(v.trim().to_ascii_lowercase().as_str())).unwrap_or(Level::Off);
    let mut state = state();
    state.stderr = level;
    if state.sink.is_none() {
        LEVEL.store(level as i32, Ordering::Relaxed);
    }
}

/// Replaces the sink; when this returns, the one before is not running and never will again.
pub(crate) fn set_sink(sink: Option<Sink>, level: Level) {
    let mut state = state();
    let level = if sink.is_some() { level } else { state.stderr };
    state.sink = sink;
    LEVEL.store(level as i32, Ordering::Relaxed);
    while state.running > 0 {
        state = state.wait(&QUIET);
    }
}

/// True if a line of that level about no device goes anywhere: ask before building a dear one.
pub(crate) fn enabled(level: Level) -> bool {
    level as i32 <= LEVEL.load(Ordering::Relaxed)
}

/// Queues a line about no device, to be delivered when the current or the next call returns.
pub(crate) fn line(level: Level, text: impl Into<String>) {
    // What a callback's own calls say is not for the callback, or it would never end.
    if enabled(level) && level != Level::Off && !in_callback() {
        queue(Entry { from: None, record: Record::new(level, text) });
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

/// Delivers what waits. The caller holds no lock of this library. One thread at a time delivers reports, all that come meanwhile too, so
/// that they keep their order.
pub(crate) fn deliver() {
    if !ANY_WAITING.load(Ordering::Acquire) {
        return;
    }
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
        drop(state);
        IN_CALLBACK.set(true);
        for entry in lines.drain(..) {
            let printed = entry.record.level <= stderr;
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
