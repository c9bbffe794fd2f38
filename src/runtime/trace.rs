//! AVX_GPU_TRACE=file.json: what the host and the device do when, in the trace event format that Perfetto and chrome://tracing open
//! ("Trace Event Format", Google, complete events "X" and metadata "M").
//!
//! Process 1 is the host, with a row for each thread: calls, and inside of them waits and compilations. Each device is a process of its
//! own, with a row for each stream: kernels, copies and fills as the device's clock saw them, brought to the host's clock. The file is
//! valid JSON after each flush: the closing bracket is written over by what comes next.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 64 << 10;
/// The host's process in the trace.
const HOST: u32 = 1;

/// A trace that is being written.
pub(crate) struct Trace {
    origin: Instant,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// Where the closing bracket stands.
    end: u64,
    first: bool,
    text: String,
    /// Where each row of a device has got to, in nanoseconds.
    rows: HashMap<(u32, u64), u64>,
    open_devices: u32,
}

/// The trace of this process, if AVX_GPU_TRACE asks for one.
pub(crate) fn active() -> Option<&'static Trace> {
    static TRACE: OnceLock<Option<Trace>> = OnceLock::new();
    TRACE
        .get_or_init(|| {
            let path = std::env::var_os("AVX_GPU_TRACE").filter(|path| !path.is_empty())?;
            match Trace::create(std::path::Path::new(&path)) {
                Ok(trace) => Some(trace),
                Err(e) => {
                    let message = format!("the trace {} cannot be written: {e}", std::path::Path::new(&path).display());
                    super::log::line(super::log::Level::Warn, message);
                    None
                }
            }
        })
        .as_ref()
}

/// A span of the host that lasts until it is dropped, if there is a trace.
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

/// What a span of the device tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) workgroups: Option<[u32; 3]>,
    pub(crate) bytes: u64,
}

impl Trace {
    pub(crate) fn create(path: &std::path::Path) -> std::io::Result<Trace> {
        let mut file = File::create(path)?;
        file.write_all(b"[\n]\n")?;
        let state = State { file, end: 2, first: true, text: String::new(), rows: HashMap::new(), open_devices: 0 };
        let trace = Trace { origin: Instant::now(), state: Mutex::new(state) };
        trace.name("process_name", HOST, 0, "host");
        Ok(trace)
    }

    /// The host time that is 0 in the trace.
    pub(crate) fn origin(&self) -> Instant {
        self.origin
    }

    fn since(&self, at: Instant) -> u64 {
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
                let thread = std::thread::current();
                let id = row.get().into();
                self.name("thread_name", HOST, id, thread.name().unwrap_or("thread"));
            }
            row.get()
        }) else {
            return;
        };
        let (start, end) = (self.since(start), self.since(end));
        self.put(|text| {
            complete(text, name, HOST, row.into(), start, end);
            text.push('}');
        });
    }

    /// A device was opened; its process in the trace.
    pub(crate) fn device(&self, name: &str) -> u32 {
        static DEVICES: AtomicU32 = AtomicU32::new(HOST);
        let process = DEVICES.fetch_add(1, Ordering::Relaxed) + 1;
        self.state().open_devices += 1;
        self.name("process_name", process, 0, name);
        process
    }

    /// A device was closed. With none left all that comes is written at once: nothing tells when the process ends.
    pub(crate) fn close_device(&self) {
        let mut state = self.state();
        state.open_devices = state.open_devices.saturating_sub(1);
        state.flush();
    }

    /// A command of a stream, in nanoseconds of the trace. A row shows one command after the other, so one that overlaps an earlier one of
    /// its stream begins where that ended.
    pub(crate) fn device_span(&self, process: u32, (stream, label): (u64, &str), name: &str, (start, end): (u64, u64), detail: &Detail) {
        let known = self.state().rows.contains_key(&(process, stream));
        if !known {
            self.name("thread_name", process, stream, label);
        }
        let (start, end) = {
            let mut state = self.state();
            let last = state.rows.entry((process, stream)).or_default();
            let start = start.max(*last);
            let end = end.max(start);
            *last = end;
            (start, end)
        };
        self.put(|text| {
            complete(text, name, process, stream, start, end);
            let _ = write!(text, ",\"args\":{{\"bytes\":{}", detail.bytes);
            if let Some([x, y, z]) = detail.workgroups {
                let _ = write!(text, ",\"workgroups\":\"{x} x {y} x {z}\"");
            }
            text.push_str("}}");
        });
    }

    fn name(&self, what: &str, process: u32, row: u64, name: &str) {
        self.put(|text| {
            let _ = write!(text, "{{\"ph\":\"M\",\"name\":\"{what}\",\"pid\":{process},\"tid\":{row},\"args\":{{\"name\":");
            quote(text, name);
            text.push_str("}}");
        });
    }

    fn put(&self, event: impl FnOnce(&mut String)) {
        let mut state = self.state();
        let separator = if std::mem::take(&mut state.first) { "" } else { ",\n" };
        state.text.push_str(separator);
        event(&mut state.text);
        if state.text.len() >= BUFFER || state.open_devices == 0 {
            state.flush();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Writes what is gathered. A disk that is full is no reason to fail.
    fn flush(&mut self) {
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(self.text.as_bytes()))
            .and_then(|()| self.file.write_all(b"\n]\n"));
        if written.is_ok() {
            self.end += self.text.len() as u64;
        }
        self.text.clear();
    }
}

/// A complete event without its closing brace.
fn complete(text: &mut String, name: &str, process: u32, row: u64, start: u64, end: u64) {
    text.push_str("{\"ph\":\"X\",\"name\":");
    quote(text, name);
    let (micros, nanos) = (start / 1000, start % 1000);
    let length = end.saturating_sub(start);
    let _ = write!(text, ",\"pid\":{process},\"tid\":{row},\"ts\":{micros}.{nanos:03},\"dur\":{}.{:03}", length / 1000, length % 1000);
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
mod tests {
    use super::*;

    fn written(work: impl FnOnce(&Trace)) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("avx_gpu_trace_{}_{}.json", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        work(&Trace::create(&path).expect("the temporary folder can be written"));
        let text = std::fs::read_to_string(&path).expect("it was written");
        std::fs::remove_file(&path).expect("it is there");
        text
    }

    #[test]
    fn the_file_is_an_array_after_each_flush() {
        let text = written(|trace| {
            let gpu = trace.device("GPU \"one\"");
            let detail = Detail { workgroups: Some([3, 2, 1]), bytes: 64 };
            trace.device_span(gpu, (7, "decode"), "saxpy", (1500, 2750), &detail);
            trace.close_device();
            trace.host_span("avx_destroy", trace.origin(), trace.origin());
        });
        assert!(text.starts_with("[\n{") && text.ends_with("}\n]\n"), "{text}");
        assert!(text.contains(r#"{"name":"GPU \"one\""}"#), "{text}");
        assert!(text.contains(r#""name":"saxpy","pid":"#) && text.contains(r#""ts":1.500,"dur":1.250"#), "{text}");
        assert!(text.contains(r#""bytes":64,"workgroups":"3 x 2 x 1""#) && text.contains(r#""name":"avx_destroy""#), "{text}");
        assert_eq!(text.matches('[').count(), 1);
    }

    #[test]
    fn spans_of_a_row_do_not_overlap() {
        let text = written(|trace| {
            let gpu = trace.device("GPU");
            let detail = Detail::default();
            trace.device_span(gpu, (1, "a"), "first", (1000, 5000), &detail);
            trace.device_span(gpu, (1, "a"), "second", (3000, 9000), &detail);
            trace.device_span(gpu, (2, "b"), "other", (2000, 4000), &detail);
            trace.close_device();
        });
        assert!(text.contains(r#""name":"second","pid":2,"tid":1,"ts":5.000,"dur":4.000"#) || text.contains(r#""ts":5.000,"dur":4.000"#));
        assert!(text.contains(r#""ts":2.000,"dur":2.000"#), "another row is another matter: {text}");
    }
}
