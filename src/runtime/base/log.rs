//! The log: one sink for the process, and lines that wait until a caller's thread can deliver them with no lock held.
//!
//! Lines arise under locks and on the driver's threads, so they are queued; the boundary delivers them when a call returns.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

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

/// Where lines go.
pub(crate) type Sink = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// Lines that wait at most; beyond that the oldest go, so that a silent program with a noisy driver does not grow.
const MAX_WAITING: usize = 1024;

struct State {
    sink: Option<Sink>,
    /// From the environment: lines go to stderr where no sink is set.
    stderr: Level,
    waiting: VecDeque<(Level, String)>,
    /// What kernels reported, which was asked for: none of it is dropped, whatever the level.
    reports: Vec<(Level, String)>,
    /// A thread delivers reports.
    reporting: bool,
    /// Deliveries that run now, of a sink that may be the one being replaced.
    running: usize,
}

static STATE: Mutex<State> =
    Mutex::new(State { sink: None, stderr: Level::Off, waiting: VecDeque::new(), reports: Vec::new(), reporting: false, running: 0 });
static QUIET: Condvar = Condvar::new();
static LEVEL: AtomicI32 = AtomicI32::new(Level::Off as i32);
static ANY_WAITING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
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
        state = QUIET.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// True if a line of that level goes anywhere: ask before building a dear one.
pub(crate) fn enabled(level: Level) -> bool {
    level as i32 <= LEVEL.load(Ordering::Relaxed)
}

/// Queues a line, to be delivered when the current or the next call returns.
pub(crate) fn line(level: Level, text: impl Into<String>) {
    // What a callback's own calls say is not for the callback, or it would never end.
    if !enabled(level) || level == Level::Off || in_callback() {
        return;
    }
    let mut state = state();
    if state.waiting.len() >= MAX_WAITING {
        state.waiting.pop_front();
    }
    state.waiting.push_back((level, text.into()));
    ANY_WAITING.store(true, Ordering::Release);
}

/// Queues what a kernel reported, in one piece: it goes to the sink at any level, and to stderr where there is none.
pub(crate) fn reports(mut lines: Vec<(Level, String)>) {
    if lines.is_empty() {
        return;
    }
    let mut state = state();
    state.reports.append(&mut lines);
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
        lines.drain(..).for_each(|(level, text)| deliver_to(sink.as_ref(), level, &text, level <= stderr));
        reports.into_iter().for_each(|(level, text)| deliver_to(sink.as_ref(), level, &text, true));
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

/// Gives a line to the sink; to stderr if there is none and it is to be `printed`.
fn deliver_to(sink: Option<&Sink>, level: Level, text: &str, printed: bool) {
    match sink {
        Some(sink) => sink(level, text),
        // A closed stderr is no reason to fail, as eprintln! would.
        None if printed => drop(writeln!(std::io::stderr(), "avx_gpu {}: {text}", level.name())),
        None => {}
    }
}
