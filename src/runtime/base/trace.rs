//! AVX_GPU_TRACE=file.json: what the host and the device do and when, in the trace event format that Perfetto and chrome://tracing open
//! ("Trace Event Format", Google, complete events "X" and metadata "M").
//!
//! Process 1 is the host, with a row for each thread. A row shows calls, and inside of them waits and compilations. Each device is a
//! process of its own, with a row for each stream. It shows kernels, copies and fills with the times of the device's clock, converted to
//! the host's clock. The file is valid JSON after each flush, because later events overwrite the closing bracket. A process that ends
//! without closing its devices loses the events since the last flush.

use super::lock::{Guard, Lock, rank};
use crate::sys;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Bytes of events that are collected before they are written.
const BUFFER: usize = 64 << 10;
/// The first event after this time has the collected events written, however few they are.
const PERIOD: Duration = Duration::from_millis(100);
/// The end of the file. Later events overwrite it.
const CLOSE: &str = "\n]\n";
/// The file of a trace without events.
const EMPTY: &[u8] = b"[\n]\n";
/// The process of the host in the trace.
const HOST: u32 = 1;

/// A trace file that is being written.
pub(crate) struct Trace {
    origin: Instant,
    state: Lock<State, { rank::TRACE }>,
}

struct State {
    file: File,
    /// Bytes of the file before the line with the closing bracket.
    end: u64,
    /// Events that are not written yet, each after a comma and a line break.
    text: String,
    flushed: Instant,
    /// For each row of a device, the end of its last span in nanoseconds, and its name.
    rows: HashMap<(u32, u64), (u64, String)>,
    open_devices: u32,
}

/// The trace of this process, if AVX_GPU_TRACE asks for one.
pub(crate) fn active() -> Option<&'static Trace> {
    static TRACE: OnceLock<Option<Trace>> = OnceLock::new();
    TRACE
        .get_or_init(|| {
            let path = sys::variable("AVX_GPU_TRACE").filter(|path| !path.is_empty())?;
            match Trace::create(std::path::Path::new(&path)) {
                Ok(trace) => Some(trace),
                Err(e) => {
                    super::log::warn_of_environment(format!(
                        "AVX_GPU_TRACE=\"{}\" in the environment is ignored: this file cannot be written ({e}). It must be a file, new or \
                         old, in a folder that exists",
                        path.display()
                    ));
                    None
                }
            }
        })
        .as_ref()
}

/// A span of the host that lasts until it is dropped. `None` if there is no trace.
pub(crate) fn span(name: &'static str) -> Option<Span> {
    active().map(|trace| Span { trace, name, start: Instant::now() })
}

/// See [`span`].
pub(crate) struct Span {
    trace: &'static Trace,
    name: &'static str,
    start: Instant,
}

impl Drop for Span {
    fn drop(&mut self) {
        self.trace.host_span(self.name, self.start, Instant::now());
    }
}

/// The details of a span of the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) workgroups: Option<[u32; 3]>,
    pub(crate) bytes: u64,
}

impl Trace {
    pub(crate) fn create(path: &std::path::Path) -> std::io::Result<Trace> {
        let mut file = create_file(path)?;
        sys::without_size_signal(|| file.write_all(EMPTY))?;
        let origin = Instant::now();
        let state = State { file, end: 1, text: String::new(), flushed: origin, rows: HashMap::new(), open_devices: 0 };
        let trace = Trace { origin, state: Lock::new(state) };
        trace.put(|state| state.name("process", HOST, 0, "host"));
        Ok(trace)
    }

    /// The host time that is 0 in the trace.
    pub(crate) fn origin(&self) -> Instant {
        self.origin
    }

    /// A host time as nanoseconds of the trace.
    pub(crate) fn since(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_nanos()).unwrap_or(u64::MAX)
    }

    fn host_span(&self, name: &str, start: Instant, end: Instant) {
        static THREADS: AtomicU32 = AtomicU32::new(0);
        thread_local! {
            static ROW: Cell<u32> = const { Cell::new(0) };
        }
        // A thread that is ending has no row any more.
        let Ok(row) = ROW.try_with(|row| {
            if row.get() == 0 {
                row.set(THREADS.fetch_add(1, Ordering::Relaxed) + 1);
                let name = thread_name();
                self.put(|state| state.name("thread", HOST, row.get().into(), &name));
            }
            row.get()
        }) else {
            return;
        };
        let (start, end) = (self.since(start), self.since(end));
        self.put(|state| {
            state.complete(name, HOST, row.into(), (start, end));
            state.text.push('}');
        });
    }

    /// Notes that a device was opened. Returns its process in the trace.
    pub(crate) fn device(&self, name: &str) -> u32 {
        static DEVICES: AtomicU32 = AtomicU32::new(HOST);
        let process = DEVICES.fetch_add(1, Ordering::Relaxed) + 1;
        self.put(|state| {
            state.open_devices += 1;
            state.name("process", process, 0, name);
        });
        process
    }

    /// Gives a device another name.
    pub(crate) fn rename_device(&self, process: u32, name: &str) {
        self.put(|state| state.name("process", process, 0, name));
    }

    /// Notes that a device was closed. Once no device is open, every event is written at once, because nothing tells when the process ends.
    pub(crate) fn close_device(&self) {
        let mut state = self.state();
        state.open_devices = state.open_devices.saturating_sub(1);
        state.flush();
    }

    /// Writes a command of a stream, in nanoseconds of the trace. A row shows one command after the other, so a command that overlaps an
    /// earlier one of its stream begins where the earlier one ended.
    pub(crate) fn device_span(&self, process: u32, (stream, label): (u64, &str), name: &str, (start, end): (u64, u64), detail: &Detail) {
        self.put(|state| {
            if state.rows.get(&(process, stream)).is_none_or(|(_, called)| called != label) {
                state.name("thread", process, stream, label);
                state.rows.entry((process, stream)).or_default().1 = label.to_owned();
            }
            let (last, _) = state.rows.entry((process, stream)).or_default();
            let start = start.max(*last);
            let end = end.max(start);
            *last = end;
            state.complete(name, process, stream, (start, end));
            let _ = write!(state.text, ",\"args\":{{\"bytes\":{}", detail.bytes);
            if let Some([x, y, z]) = detail.workgroups {
                let _ = write!(state.text, ",\"workgroups\":\"{x} x {y} x {z}\"");
            }
            state.text.push_str("}}");
        });
    }

    fn put(&self, events: impl FnOnce(&mut State)) {
        let mut state = self.state();
        events(&mut state);
        if state.text.len() >= BUFFER || state.open_devices == 0 || state.flushed.elapsed() >= PERIOD {
            state.flush();
        }
    }

    fn state(&self) -> Guard<'_, State> {
        self.state.lock()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.state().flush();
    }
}

impl State {
    /// Writes the collected events. If the disk is full, these events are lost and the file stays valid.
    fn flush(&mut self) {
        self.flushed = Instant::now();
        if self.text.is_empty() {
            return;
        }
        // No comma follows the opening bracket.
        let comma = usize::from(self.end == 1);
        let events = self.text.len() - comma;
        self.text.push_str(CLOSE);
        match self.write(self.text.as_bytes().get(comma..).unwrap_or_default()) {
            Ok(()) => self.end += events as u64,
            // A part of the text may be in the file.
            Err(_) => drop(self.file.set_len(self.end).and_then(|()| self.write(CLOSE.as_bytes()))),
        }
        self.text.clear();
    }

    /// Overwrites the closing bracket.
    fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.end))?;
        sys::without_size_signal(|| file.write_all(bytes))
    }

    /// Names a process or a row ("thread"), and sorts it by its number.
    fn name(&mut self, what: &str, process: u32, row: u64, name: &str) {
        let number = if what == "process" { process.into() } else { row };
        let _ = write!(self.text, ",\n{{\"ph\":\"M\",\"name\":\"{what}_name\",\"pid\":{process},\"tid\":{row},\"args\":{{\"name\":");
        quote(&mut self.text, name);
        self.text.push_str("}}");
        let _ = write!(self.text, ",\n{{\"ph\":\"M\",\"name\":\"{what}_sort_index\",\"pid\":{process},\"tid\":{row}");
        let _ = write!(self.text, ",\"args\":{{\"sort_index\":{number}}}}}");
    }

    /// A complete event without its closing brace.
    fn complete(&mut self, name: &str, process: u32, row: u64, (start, end): (u64, u64)) {
        self.text.push_str(",\n{\"ph\":\"X\",\"name\":");
        quote(&mut self.text, name);
        let length = end.saturating_sub(start);
        let (at, lasts) = ((start / 1000, start % 1000), (length / 1000, length % 1000));
        let _ = write!(self.text, ",\"pid\":{process},\"tid\":{row},\"ts\":{}.{:03},\"dur\":{}.{:03}", at.0, at.1, lasts.0, lasts.1);
    }
}

/// Creates the file of a trace, or empties the one that is there. What is no ordinary file, such as a pipe, is an error, and its other end
/// is not waited for.
fn create_file(path: &std::path::Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no ordinary file"));
    }
    file.set_len(0)?;
    Ok(file)
}

/// The name of this thread: its name in Rust, or the system's name for a thread that other code started.
fn thread_name() -> String {
    let thread = std::thread::current();
    let of_system = || std::fs::read_to_string("/proc/thread-self/comm").ok().filter(|_| cfg!(target_os = "linux"));
    let name = thread.name().map(str::to_owned).or_else(of_system).unwrap_or_default();
    if name.trim().is_empty() { "thread".to_owned() } else { name.trim().to_owned() }
}

/// A JSON string.
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if (c as u32) < 0x20 => drop(write!(text, "\\u{:04x}", c as u32)),
            c => text.push(c),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests;
