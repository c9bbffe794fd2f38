use super::*;
use std::path::PathBuf;

/// The JSON that a trace contains.
#[derive(Clone, Debug, PartialEq)]
enum Json {
    Text(String),
    Number(f64),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn parse(text: &str) -> Result<Json, String> {
        let mut rest = text;
        let value = Json::value(&mut rest)?;
        if rest.trim().is_empty() { Ok(value) } else { Err(format!("more follows: {rest:.40}")) }
    }

    fn value(rest: &mut &str) -> Result<Json, String> {
        *rest = rest.trim_start();
        match rest.chars().next() {
            Some('"') => Json::text(rest).map(Json::Text),
            Some('[') => Json::list(rest, ']', Json::value).map(Json::Array),
            Some('{') => {
                let member = |rest: &mut &str| {
                    let key = Json::text(rest)?;
                    expect(rest, ':')?;
                    Ok((key, Json::value(rest)?))
                };
                Json::list(rest, '}', member).map(Json::Object)
            }
            _ => {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                let (number, behind) = rest.split_at(end);
                *rest = behind;
                number.parse().map(Json::Number).map_err(|e| format!("{e}: '{number}{behind:.40}'"))
            }
        }
    }

    fn list<T>(rest: &mut &str, close: char, item: impl Fn(&mut &str) -> Result<T, String>) -> Result<Vec<T>, String> {
        *rest = &rest[1..];
        let mut items = Vec::new();
        while expect(rest, close).is_err() {
            if !items.is_empty() {
                expect(rest, ',')?;
            }
            items.push(item(rest)?);
        }
        Ok(items)
    }

    fn text(rest: &mut &str) -> Result<String, String> {
        expect(rest, '"')?;
        let mut text = String::new();
        let mut chars = rest.chars();
        loop {
            match chars.next().ok_or("the string does not end")? {
                '"' => break,
                '\\' => match chars.next() {
                    Some(c @ ('"' | '\\')) => text.push(c),
                    Some('u') => {
                        let code: String = chars.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&code, 16).map_err(|e| e.to_string())?;
                        text.push(char::from_u32(code).ok_or("no character")?);
                    }
                    other => return Err(format!("\\{other:?}")),
                },
                c if c < ' ' => return Err(format!("{c:?} in a string")),
                c => text.push(c),
            }
        }
        *rest = chars.as_str();
        Ok(text)
    }

    fn get(&self, key: &str) -> Option<&Json> {
        let Json::Object(members) = self else { return None };
        members.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    fn is(&self, key: &str, text: &str) -> bool {
        self.get(key) == Some(&Json::Text(text.to_owned()))
    }

    /// A time in nanoseconds.
    fn time(&self, key: &str) -> u64 {
        let Some(Json::Number(micros)) = self.get(key) else { panic!("no number {key} in {self:?}") };
        (micros * 1000.0).round() as u64
    }
}

fn expect(rest: &mut &str, c: char) -> Result<(), String> {
    let behind = rest.trim_start().strip_prefix(c).ok_or_else(|| format!("no '{c}' at '{rest:.40}'"))?;
    *rest = behind;
    Ok(())
}

/// The events of a trace. Fails if the text is no valid trace.
fn events(text: &str) -> Vec<Json> {
    match Json::parse(text) {
        Ok(Json::Array(events)) => events,
        other => panic!("{other:?} in {text}"),
    }
}

/// The names and times of the spans of a row, in order.
fn spans(events: &[Json], process: u32, row: u64) -> Vec<(String, u64, u64)> {
    let of_row = |e: &&Json| {
        e.is("ph", "X") && e.get("pid") == Some(&Json::Number(process.into())) && e.get("tid") == Some(&Json::Number(row as f64))
    };
    let span = |e: &Json| {
        let Some(Json::Text(name)) = e.get("name") else { panic!("no name in {e:?}") };
        (name.clone(), e.time("ts"), e.time("ts") + e.time("dur"))
    };
    events.iter().filter(of_row).map(span).collect()
}

/// True if the trace names a process ("process_name") or a row so.
fn has_name(events: &[Json], what: &str, process: u32, name: &str) -> bool {
    events.iter().any(|e| {
        e.is("ph", "M")
            && e.is("name", what)
            && e.get("pid") == Some(&Json::Number(process.into()))
            && e.get("args").is_some_and(|args| args.is("name", name))
    })
}

/// A file that is deleted with its test.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Temporary {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("avx_gpu_trace_{}_{}.json", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Temporary(std::env::temp_dir().join(name))
    }

    fn trace(&self) -> Trace {
        Trace::create(&self.0).expect("the temporary folder can be written")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).expect("it was written")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn processes_rows_and_details() {
    let file = Temporary::new();
    let trace = file.trace();
    let gpu = trace.device("GPU \"one\"\\\n\u{1}é");
    let detail = Detail { workgroups: Some([3, 2, 1]), bytes: 64 };
    trace.device_span(gpu, (7, "decode"), "saxpy", (1500, 2750), &detail);
    trace.close_device();
    let open = events(&file.text());
    trace.host_span("avx_destroy", trace.origin(), trace.origin() + Duration::from_nanos(5));
    let events = events(&file.text());
    assert_eq!(open, events[..open.len()], "what comes is put behind what stands there");
    assert!(has_name(&events, "process_name", HOST, "host") && has_name(&events, "process_name", gpu, "GPU \"one\"\\\n\u{1}é"));
    assert!(has_name(&events, "thread_name", gpu, "decode"));
    assert_eq!(spans(&events, gpu, 7), [("saxpy".to_owned(), 1500, 2750)]);
    let saxpy = events.iter().find(|e| e.is("name", "saxpy")).expect("it is there");
    let args = saxpy.get("args").expect("it has some");
    assert!(args.get("bytes") == Some(&Json::Number(64.0)) && args.is("workgroups", "3 x 2 x 1"), "{args:?}");
    assert!(events.last().is_some_and(|e| e.is("name", "avx_destroy") && e.time("dur") == 5));
    let text = file.text();
    assert!(text.contains(r#""ts":1.500,"dur":1.250"#), "{text}");
}

#[test]
fn a_trace_is_valid_from_the_start_and_whole_when_dropped() {
    let file = Temporary::new();
    let trace = file.trace();
    assert!(has_name(&events(&file.text()), "process_name", HOST, "host"));
    let gpu = trace.device("GPU");
    for i in 0..5000 {
        trace.device_span(gpu, (0, "default"), "spin", (i * 10, i * 10 + 5), &Detail::default());
        if i % 500 == 0 {
            events(&file.text());
        }
    }
    drop(trace);
    assert_eq!(spans(&events(&file.text()), gpu, 0).len(), 5000);
}

#[test]
fn a_little_is_written_too_after_a_while() {
    let file = Temporary::new();
    let trace = file.trace();
    let gpu = trace.device("GPU");
    std::thread::sleep(PERIOD);
    trace.device_span(gpu, (1, "a"), "spin", (0, 1), &Detail::default());
    assert_eq!(spans(&events(&file.text()), gpu, 1).len(), 1, "the device is open");
}

#[test]
fn spans_of_a_row_do_not_overlap() {
    let file = Temporary::new();
    let trace = file.trace();
    let gpu = trace.device("GPU");
    let detail = Detail::default();
    for (name, start, end) in [("first", 1000, 5000), ("overlaps", 3000, 9000), ("inside", 6000, 7000), ("behind", 9500, 9600)] {
        trace.device_span(gpu, (1, "a"), name, (start, end), &detail);
    }
    trace.device_span(gpu, (2, "b"), "other", (2000, 4000), &detail);
    drop(trace);
    let events = events(&file.text());
    let expected = [("first", 1000, 5000), ("overlaps", 5000, 9000), ("inside", 9000, 9000), ("behind", 9500, 9600)];
    assert_eq!(spans(&events, gpu, 1), expected.map(|(name, start, end)| (name.to_owned(), start, end)));
    assert_eq!(spans(&events, gpu, 2), [("other".to_owned(), 2000, 4000)], "another row is another matter");
}

#[test]
fn spans_of_threads_have_rows_of_their_own() {
    let file = Temporary::new();
    let trace = file.trace();
    let at = |nanoseconds| trace.origin() + Duration::from_nanos(nanoseconds);
    std::thread::scope(|scope| {
        for name in ["one", "two"] {
            let work = || {
                trace.host_span("inner", at(200), at(300));
                trace.host_span("outer", at(100), at(400));
            };
            std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work).expect("a thread starts");
        }
    });
    let events = events(&file.text());
    let names = ["one", "two"].map(|name| has_name(&events, "thread_name", HOST, name));
    assert_eq!(names, [true, true]);
    let mut rows: Vec<u64> = events.iter().filter(|e| e.is("ph", "X")).map(|e| e.time("tid") / 1000).collect();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!(spans(&events, HOST, row), [("inner".to_owned(), 200, 300), ("outer".to_owned(), 100, 400)]);
    }
}

/// A file that cannot be written stands for a full disk.
#[test]
fn what_cannot_be_written_leaves_the_file_valid() {
    let file = Temporary::new();
    let trace = file.trace();
    let gpu = trace.device("GPU");
    trace.device_span(gpu, (1, "a"), "before", (0, 1), &Detail::default());
    trace.state().flush();
    let writable = {
        let mut state = trace.state();
        std::mem::replace(&mut state.file, File::open(&file.0).expect("it is there"))
    };
    trace.device_span(gpu, (1, "a"), "lost", (1, 2), &Detail::default());
    trace.state().flush();
    trace.state().file = writable;
    trace.device_span(gpu, (1, "a"), "behind", (2, 3), &Detail::default());
    drop(trace);
    let names: Vec<String> = spans(&events(&file.text()), gpu, 1).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["before", "behind"]);
}

/// To open a pipe would wait for a reader, and a trace is not written through it.
#[cfg(unix)]
#[test]
fn what_is_no_ordinary_file_is_refused() {
    let pipe = Temporary::new();
    let made = std::process::Command::new("mkfifo").arg(&pipe.0).status().expect("mkfifo of the system");
    assert!(made.success());
    assert!(Trace::create(&pipe.0).is_err(), "a pipe without a reader");
    let _reader = File::options().read(true).write(true).open(&pipe.0).expect("both ends");
    let error = Trace::create(&pipe.0).err().expect("a pipe with a reader");
    assert!(error.to_string().contains("no ordinary file"), "{error}");
    assert!(Trace::create(&std::env::temp_dir()).is_err(), "a folder");
    let file = Temporary::new();
    std::fs::write(&file.0, "x".repeat(10_000)).expect("a file");
    drop(file.trace());
    assert!(events(&file.text()).iter().any(|e| e.get("name").is_some()), "the old contents are still there: {}", file.text());
}
