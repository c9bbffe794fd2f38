//! Bad handles: NULL, stale, forged, foreign and of another kind, for every function that takes a handle. Each call returns an
//! error code. Nothing crashes or hangs, no other buffer changes, and the device works afterwards.
//!
//! [`Handles::calls`] has a call for each handle of each function. The list of handles is read from the header, so that a new
//! function without a call here fails `every_handle_of_every_function_has_a_call`.

use crate::common::process::{is_child, rerun};
use crate::common::random::Random;
use crate::common::world::{ADD, World};
use crate::common::*;
use std::ffi::c_void;
use std::ptr::{null, null_mut, without_provenance_mut};

/// The kinds of handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Device,
    Stream,
    Event,
    Buffer,
    Kernel,
    Graph,
}

const KINDS: [Kind; 6] = [Kind::Device, Kind::Stream, Kind::Event, Kind::Buffer, Kind::Kernel, Kind::Graph];

/// The meaning of NULL in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Null {
    /// The call rejects it.
    Refused,
    /// The call does nothing.
    Nothing,
    /// It is the default stream.
    DefaultStream,
}
use Null::{DefaultStream, Nothing, Refused};

/// A call with the bad handle: the function, with a word that names the handle if the function has several handles of the kind; the
/// meaning of NULL in the call; and the status.
type Call = (&'static str, Null, avx_status);

/// A valid handle of each kind, for the other parameters of a call with a bad handle.
struct Handles {
    world: World,
    stream: avx_stream,
    recording: avx_stream,
    event: avx_event,
    graph: avx_graph,
    /// A grid of no workgroups for avx_dispatch_indirect.
    grid: avx_buffer,
}

impl Handles {
    /// Opens a device and creates one handle of each kind, or skips.
    fn new() -> Option<Handles> {
        let world = World::new()?;
        let device = &world.device;
        let (mut stream, mut recording) = (null_mut(), null_mut());
        ok(abi::default_stream(device.handle, &mut stream));
        let [_, y, params] = world.args();
        let graph = device.graph(|recording| ok(dispatch_on(recording, world.kernel, [0, 1, 1], &[arg_param(0), y, params])));
        ok(abi::graph_begin(device.handle, null(), &mut recording));
        let event = device.event();
        ok(avx_event_record(stream, event));
        let grid = device.alloc(16, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        device.synchronize();
        Some(Handles { stream, recording, event, graph, grid, world })
    }

    /// All of the handles.
    fn living(&self) -> Vec<(Kind, usize)> {
        let World { device, kernel, x, y, guard, .. } = &self.world;
        let buffers = [*x, *y, *guard, self.grid].map(|buffer| (Kind::Buffer, buffer.addr()));
        let streams = [self.stream, self.recording].map(|stream| (Kind::Stream, stream.addr()));
        let others = [
            (Kind::Device, device.handle.addr()),
            (Kind::Kernel, kernel.addr()),
            (Kind::Event, self.event.addr()),
            (Kind::Graph, self.graph.addr()),
        ];
        [&buffers[..], &streams, &others].concat()
    }

    /// Every call that takes a handle of the kind, with `bad` in its place. One list therefore serves NULL, stale, forged and
    /// foreign handles. The call that frees the handle is the last.
    fn all_calls(&self, kind: Kind, bad: usize) -> Vec<Call> {
        let free = match kind {
            Kind::Device => ("avx_destroy", Nothing, avx_destroy(without_provenance_mut(bad))),
            Kind::Stream => ("avx_stream_free", Nothing, avx_stream_free(without_provenance_mut(bad))),
            Kind::Event => ("avx_event_free", Nothing, avx_event_free(without_provenance_mut(bad))),
            Kind::Buffer => ("avx_free", Nothing, avx_free(without_provenance_mut(bad))),
            Kind::Kernel => ("avx_kernel_free", Nothing, avx_kernel_free(without_provenance_mut(bad))),
            Kind::Graph => ("avx_graph_free", Nothing, avx_graph_free(without_provenance_mut(bad))),
        };
        let mut calls = self.calls(kind, bad);
        calls.push(free);
        calls
    }

    /// The same calls without the one that frees the handle.
    fn calls(&self, kind: Kind, bad: usize) -> Vec<Call> {
        match kind {
            Kind::Device => device_calls(without_provenance_mut(bad)),
            Kind::Stream => self.stream_calls(without_provenance_mut(bad)),
            Kind::Event => self.event_calls(without_provenance_mut(bad)),
            Kind::Buffer => self.buffer_calls(without_provenance_mut(bad)),
            Kind::Kernel => self.kernel_calls(without_provenance_mut(bad)),
            Kind::Graph => self.graph_calls(without_provenance_mut(bad)),
        }
    }

    fn stream_calls(&self, bad: avx_stream) -> Vec<Call> {
        let World { kernel, x, y, .. } = self.world;
        let mut data = [0u8; 4];
        let (from, to) = (data.as_ptr().cast(), data.as_mut_ptr().cast());
        let args = self.world.args();
        let mut graph = null_mut();
        vec![
            ("avx_stream_synchronize", Refused, avx_stream_synchronize(bad, 0)),
            ("avx_set_label", Refused, abi::set_label(bad, c("x").as_ptr())),
            ("avx_stream_status", Refused, avx_stream_status(bad)),
            ("avx_stream_flush", Refused, avx_stream_flush(bad)),
            ("avx_event_record", DefaultStream, avx_event_record(bad, self.event)),
            ("avx_stream_wait_event", DefaultStream, avx_stream_wait_event(bad, self.event)),
            ("avx_write", DefaultStream, abi::write(bad, y, 0, from, 4)),
            ("avx_read", DefaultStream, abi::read(bad, y, 0, to, 4)),
            ("avx_write_async", DefaultStream, abi::write_async(bad, y, 0, from, 0)),
            ("avx_read_async", DefaultStream, abi::read_async(bad, y, 0, to, 0)),
            ("avx_copy", DefaultStream, avx_copy(bad, y, 0, x, 0, 4)),
            ("avx_fill", DefaultStream, abi::fill(bad, y, 0, 4, from, 1)),
            ("avx_dispatch", DefaultStream, abi::dispatch(bad, kernel, 0, 1, 1, args.as_ptr(), 3)),
            ("avx_dispatch_threads", DefaultStream, abi::dispatch_threads(bad, kernel, 0, 1, 1, args.as_ptr(), 3)),
            ("avx_dispatch_indirect", DefaultStream, abi::dispatch_indirect(bad, kernel, self.grid, 0, args.as_ptr(), 3)),
            ("avx_dispatch_slot", Refused, abi::dispatch_slot(bad, kernel, 0, args.as_ptr(), 3)),
            ("avx_graph_end", Refused, abi::graph_end(bad, &mut graph)),
            ("avx_graph_launch", DefaultStream, abi::graph_launch(bad, self.graph, args.as_ptr(), 1)),
        ]
    }

    fn event_calls(&self, bad: avx_event) -> Vec<Call> {
        let (mut index, mut nanoseconds, mut length) = (0, 0, 0);
        let events = [bad, self.event];
        vec![
            ("avx_event_record", Refused, avx_event_record(self.stream, bad)),
            ("avx_stream_wait_event", Refused, avx_stream_wait_event(self.stream, bad)),
            ("avx_set_label", Refused, abi::set_label(bad, c("x").as_ptr())),
            ("avx_event_status", Refused, avx_event_status(bad)),
            ("avx_event_wait", Refused, avx_event_wait(bad, 0)),
            ("avx_event_wait_any", Refused, abi::event_wait_any(events.as_ptr(), 2, 0, &mut index)),
            ("avx_event_elapsed start", Refused, abi::event_elapsed(bad, self.event, &mut nanoseconds)),
            ("avx_event_elapsed end", Refused, abi::event_elapsed(self.event, bad, &mut nanoseconds)),
            ("avx_event_message", Refused, abi::event_message(bad, null_mut(), 0, &mut length)),
        ]
    }

    fn buffer_calls(&self, bad: avx_buffer) -> Vec<Call> {
        let World { kernel, x, y, .. } = self.world;
        let mut data = [0u8; 4];
        let (from, to) = (data.as_ptr().cast(), data.as_mut_ptr().cast());
        let mut pointer: *mut c_void = null_mut();
        let mut properties = avx_buffer_properties::zeroed();
        let good = self.world.args();
        let mut args = good;
        args[0].buffer = bad;
        let (stream, args) = (self.stream, args.as_ptr());
        vec![
            ("avx_write", Refused, abi::write(stream, bad, 0, from, 4)),
            ("avx_read", Refused, abi::read(stream, bad, 0, to, 4)),
            ("avx_write_async", Refused, abi::write_async(stream, bad, 0, from, 4)),
            ("avx_read_async", Refused, abi::read_async(stream, bad, 0, to, 4)),
            ("avx_copy dst", Refused, avx_copy(stream, bad, 0, x, 0, 4)),
            ("avx_copy src", Refused, avx_copy(stream, y, 0, bad, 0, 4)),
            ("avx_fill", Refused, abi::fill(stream, bad, 0, 4, from, 1)),
            ("avx_map", Refused, abi::map(bad, 0, 0, AVX_MAP_READ, &mut pointer)),
            ("avx_unmap", Refused, avx_unmap(bad)),
            ("avx_buffer_info", Refused, abi::buffer_info(bad, &mut properties)),
            ("avx_set_label", Refused, abi::set_label(bad, c("x").as_ptr())),
            ("avx_dispatch args", Refused, abi::dispatch(stream, kernel, 1, 1, 1, args, 3)),
            ("avx_dispatch_threads args", Refused, abi::dispatch_threads(stream, kernel, 1, 1, 1, args, 3)),
            ("avx_dispatch_indirect grid", Refused, abi::dispatch_indirect(stream, kernel, bad, 0, good.as_ptr(), 3)),
            ("avx_dispatch_indirect args", Refused, abi::dispatch_indirect(stream, kernel, self.grid, 0, args, 3)),
            ("avx_dispatch_slot args", Refused, abi::dispatch_slot(self.recording, kernel, 0, args, 3)),
            ("avx_graph_launch params", Refused, abi::graph_launch(stream, self.graph, args, 1)),
        ]
    }

    fn kernel_calls(&self, bad: avx_kernel) -> Vec<Call> {
        let mut properties = avx_kernel_properties::zeroed();
        let mut argument = avx_kernel_arg_properties::zeroed();
        let mut member = avx_kernel_member_properties::zeroed();
        let mut size = 0;
        let args = self.world.args();
        let (stream, args) = (self.stream, args.as_ptr());
        vec![
            ("avx_kernel_info", Refused, abi::kernel_info(bad, &mut properties)),
            ("avx_set_label", Refused, abi::set_label(bad, c("x").as_ptr())),
            ("avx_kernel_member_info", Refused, abi::kernel_member_info(bad, 0, 0, &mut member)),
            ("avx_kernel_code", Refused, abi::kernel_code(bad, null_mut(), 0, &mut size)),
            ("avx_kernel_arg_info", Refused, abi::kernel_arg_info(bad, 0, &mut argument)),
            ("avx_dispatch", Refused, abi::dispatch(stream, bad, 1, 1, 1, args, 3)),
            ("avx_dispatch_threads", Refused, abi::dispatch_threads(stream, bad, 1, 1, 1, args, 3)),
            ("avx_dispatch_indirect", Refused, abi::dispatch_indirect(stream, bad, self.grid, 0, args, 3)),
            ("avx_dispatch_slot", Refused, abi::dispatch_slot(self.recording, bad, 0, args, 3)),
        ]
    }

    fn graph_calls(&self, bad: avx_graph) -> Vec<Call> {
        let args = self.world.args();
        let mut properties = avx_graph_properties::zeroed();
        vec![
            ("avx_graph_launch", Refused, abi::graph_launch(self.stream, bad, args.as_ptr(), 1)),
            ("avx_graph_info", Refused, abi::graph_info(bad, &mut properties)),
            ("avx_set_label", Refused, abi::set_label(bad, c("x").as_ptr())),
        ]
    }

    /// Calls all functions of a kind with a handle that is not valid for the kind.
    #[track_caller]
    fn refuse(&self, what: &str, kind: Kind, bad: usize) {
        for (call, _, status) in self.all_calls(kind, bad) {
            assert!(status == AVX_ERROR_INVALID_HANDLE, "{call} with {what} ({kind:?} {bad:#x}): {}", name(status));
        }
    }
}

fn device_calls(bad: avx_device) -> Vec<Call> {
    let mut properties = avx_device_properties::zeroed();
    let mut usage = avx_memory_usage::zeroed();
    let mut count = 0;
    let (mut stream, mut buffer, mut kernel, mut event) = (null_mut(), null_mut(), null_mut(), null_mut());
    let source = c("@compute @workgroup_size(1) fn main() { }");
    let source = source.as_ptr();
    let buffer_options = avx_buffer_options { size: 4, ..avx_buffer_options::zeroed() };
    let kernel_options = avx_kernel_options { code: source.cast(), ..avx_kernel_options::zeroed() };
    let mut memory = [0u8; 4];
    let pointer: *mut c_void = memory.as_mut_ptr().cast();
    vec![
        ("avx_device_info", Refused, abi::device_info(bad, &mut properties)),
        ("avx_device_memory", Refused, abi::memory_info(bad, &mut usage)),
        ("avx_device_synchronize", Refused, avx_device_synchronize(bad, 0)),
        ("avx_device_default_stream", Refused, abi::default_stream(bad, &mut stream)),
        ("avx_device_cooperative_shapes", Refused, abi::cooperative_shapes(bad, null_mut(), &mut count)),
        ("avx_set_label", Refused, abi::set_label(bad, c("x").as_ptr())),
        ("avx_device_trim", Refused, avx_device_trim(bad)),
        ("avx_stream_create", Refused, abi::stream_create(bad, null(), &mut stream)),
        ("avx_event_create", Refused, abi::event_create(bad, null(), &mut event)),
        ("avx_graph_begin", Refused, abi::graph_begin(bad, null(), &mut stream)),
        ("avx_alloc", Refused, abi::alloc(bad, 4, AVX_MEMORY_DEVICE, &mut buffer)),
        ("avx_buffer_create", Refused, abi::buffer_create(bad, &buffer_options, &mut buffer)),
        ("avx_host_register", Refused, abi::host_register(bad, pointer, 4, 0)),
        ("avx_host_unregister", Refused, avx_host_unregister(bad, pointer)),
        ("avx_kernel_from_wgsl", Refused, abi::kernel_from_wgsl(bad, source, null(), &mut kernel)),
        ("avx_kernel_create", Refused, abi::kernel_create(bad, &kernel_options, &mut kernel)),
    ]
}

/// The function of a call.
fn function_of(call: &str) -> &str {
    call.split(' ').next().unwrap_or(call)
}

/// A function of the header: its name, and the kinds of the handles that it takes, `None` for a handle of any kind.
type Function = (String, Vec<Option<Kind>>);

/// The functions of the header, with the handles that they take by value, in an array or in arguments. Output parameters are not
/// included.
fn functions(header: &str) -> Vec<Function> {
    let mut lines: Vec<&str> = header.lines().filter(|line| !line.trim_start().starts_with(['#', '/', '*'])).collect();
    lines.iter_mut().for_each(|line| *line = line.split("//").next().unwrap_or(line));
    let text = lines.join(" ");
    let mut found = Vec::new();
    for statement in text.split(';') {
        let Some((head, parameters)) = statement.split_once('(') else { continue };
        let word = head.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if !word.starts_with("avx_") || ["typedef", "static", "="].iter().any(|other| head.contains(other)) {
            continue;
        }
        let handles = parameters.trim_end().trim_end_matches(')').split(',').flat_map(|parameter| {
            let words: Vec<&str> = parameter.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
            let is_output = parameter.contains('*') && !words.contains(&"const");
            let kind = KINDS.into_iter().find(|kind| words.contains(&format!("avx_{kind:?}").to_lowercase().as_str()));
            match kind {
                _ if is_output => None,
                Some(kind) => Some(Some(kind)),
                None if words.contains(&"avx_arg") => Some(Some(Kind::Buffer)),
                None if words.ends_with(&["void", "handle"]) => Some(None),
                None => None,
            }
        });
        found.push((word.to_owned(), handles.collect()));
    }
    found
}

/// The functions of the header of this build.
fn exported() -> Vec<Function> {
    functions(include_str!("../../include/avx_gpu.h"))
}

#[test]
fn the_handles_of_functions_are_read_from_a_header() {
    let header = "/* avx_f(avx_device d); */\n#define AVX_X(a) (a)\ntypedef void (*avx_callback)(avx_event event);\n
        /// avx_g(avx_device d);\navx_status avx_copy(avx_stream stream,\n  avx_buffer dst, // avx_device x\n  avx_buffer src);
        avx_status avx_event_wait_any(const avx_event *events, uint32_t count);\navx_status avx_set(const void *handle, const char *label);
        avx_status avx_run(avx_kernel kernel, const avx_arg *args);\navx_status avx_create(const avx_device_options *o, avx_device *device);
        const char *avx_last_error(void);";
    let expected: [(&str, &[Option<Kind>]); 6] = [
        ("avx_copy", &[Some(Kind::Stream), Some(Kind::Buffer), Some(Kind::Buffer)]),
        ("avx_event_wait_any", &[Some(Kind::Event)]),
        ("avx_set", &[None]),
        ("avx_run", &[Some(Kind::Kernel), Some(Kind::Buffer)]),
        ("avx_create", &[]),
        ("avx_last_error", &[]),
    ];
    assert_eq!(functions(header), expected.map(|(name, kinds)| (name.to_owned(), kinds.to_vec())));
}

#[test]
fn every_handle_of_every_function_has_a_call() {
    let functions = exported();
    // Each function is also exported by a longer name, which names the same function.
    let symbols = include_str!("../symbols.txt").lines().filter(|line| line.starts_with("avx_") && !line.starts_with("avx_gpu_"));
    let unread: Vec<&str> = symbols.filter(|symbol| !functions.iter().any(|(name, _)| name == symbol)).collect();
    assert!(unread.is_empty(), "exported, and not found in the header: {unread:?}");
    let Some(handles) = Handles::new() else { return };
    let mut wrong = Vec::new();
    for kind in KINDS {
        let calls = handles.all_calls(kind, 0);
        for (function, taken) in &functions {
            let made = calls.iter().filter(|(call, ..)| function_of(call) == function).count();
            let wanted = taken.iter().filter(|taken| taken.is_none_or(|taken| taken == kind)).count();
            if made != wanted {
                wrong.push(format!("{function} takes {wanted} handles of kind {kind:?}, and {made} calls here give it a bad one"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn null_handles() {
    let Some(handles) = Handles::new() else { return };
    for (call, null, status) in KINDS.into_iter().flat_map(|kind| handles.all_calls(kind, 0)) {
        let is_argument = call.ends_with(" args") || call.ends_with(" params");
        let fine = match null {
            Nothing | DefaultStream => status == AVX_OK,
            // NULL is not a valid handle. A NULL where a value is required is also an invalid argument.
            Refused => {
                [AVX_ERROR_INVALID_HANDLE, AVX_ERROR_INVALID_ARGUMENT].contains(&status) || (is_argument && status == AVX_ERROR_ARGUMENTS)
            }
        };
        assert!(fine, "{call} with NULL, which should be {null:?}: {}", name(status));
    }
    handles.world.unharmed();
}

#[test]
fn stale_handles_and_freeing_twice() {
    let Some(handles) = Handles::new() else { return };
    let device = &handles.world.device;
    let buffer = device.alloc(64, AVX_MEMORY_UPLOAD);
    ok(avx_free(buffer));
    let kernel = device.kernel(ADD);
    ok(avx_kernel_free(kernel));
    let stream = device.stream();
    ok(avx_stream_free(stream));
    let event = device.event();
    ok(avx_event_free(event));
    let (mut recording, mut graph) = (null_mut(), null_mut());
    ok(abi::graph_begin(device.handle, null(), &mut recording));
    ok(abi::graph_end(recording, &mut graph));
    ok(avx_graph_free(graph));
    handles.refuse("a freed buffer", Kind::Buffer, buffer.addr());
    handles.refuse("a freed kernel", Kind::Kernel, kernel.addr());
    handles.refuse("a freed stream", Kind::Stream, stream.addr());
    handles.refuse("a recording that ended", Kind::Stream, recording.addr());
    handles.refuse("a freed event", Kind::Event, event.addr());
    handles.refuse("a freed graph", Kind::Graph, graph.addr());
    // A new object in the freed place has another handle.
    let successors: Vec<avx_buffer> = (0..1000).map(|_| device.alloc(16, AVX_MEMORY_DEVICE)).collect();
    assert!(!successors.contains(&buffer), "a handle came back");
    fails(avx_free(buffer), AVX_ERROR_INVALID_HANDLE);
    successors.into_iter().for_each(|b| ok(avx_free(b)));
    handles.world.unharmed();
}

#[test]
fn handles_of_a_destroyed_device() {
    let (Some(handles), Some(other)) = (Handles::new(), Handles::new()) else { return };
    let gone = other.living();
    other.world.device.close();
    for (kind, handle) in gone {
        handles.refuse("a destroyed device's handle", kind, handle);
    }
    handles.world.unharmed();
}

/// Runs in a process of its own, because a forged handle might be a valid handle of another test.
#[test]
fn forged_handles() {
    rerun("bad_handles::forged_handles_alone", &[]);
}

#[test]
fn forged_handles_alone() {
    if !is_child() {
        return;
    }
    let Some(handles) = Handles::new() else { return };
    let mut random = Random::new(Random::seed(40));
    let living: Vec<usize> = handles.living().into_iter().map(|(_, handle)| handle).collect();
    for i in 0..3_000 {
        // Random values, small numbers, and valid handles with one bit flipped.
        let value = match i % 3 {
            0 => random.next() as usize,
            1 => 1 + random.index(1 << 20),
            _ => living[random.index(living.len())] ^ (1 << random.index(64)),
        };
        if value != 0 && !living.contains(&value) {
            handles.refuse("a forged handle", KINDS[random.index(KINDS.len())], value);
        }
    }
    for value in [1, 2, 3, usize::MAX, usize::MAX - 1, 1 << 63, 1 << 32, 0xFFFF_FFFF] {
        KINDS.into_iter().for_each(|kind| handles.refuse("a forged handle", kind, value));
    }
    handles.world.unharmed();
}

#[test]
fn handles_of_another_kind() {
    let Some(handles) = Handles::new() else { return };
    let any_kind: Vec<String> = exported().into_iter().filter(|(_, taken)| taken.contains(&None)).map(|(name, _)| name).collect();
    for kind in KINDS {
        for (_, handle) in handles.living().into_iter().filter(|(other, _)| *other != kind) {
            for (call, _, status) in handles.all_calls(kind, handle) {
                let refused = status == AVX_ERROR_INVALID_HANDLE || any_kind.iter().any(|function| function == function_of(call));
                assert!(refused, "{call} with a handle of another kind than {kind:?}: {}", name(status));
            }
        }
    }
    handles.world.unharmed();
}

#[test]
fn handles_of_another_device() {
    let (Some(handles), Some(other)) = (Handles::new(), Handles::new()) else { return };
    let functions = exported();
    let mut tried = 0;
    for (kind, handle) in other.living() {
        // The end of a recording takes no other handle.
        if handle == other.recording.addr() {
            continue;
        }
        for (call, _, status) in handles.calls(kind, handle) {
            // A call with one handle is a valid call for the other device, and one call may wait for events of several devices.
            let partners = functions.iter().any(|(name, taken)| name == function_of(call) && taken.len() > 1);
            if partners {
                assert!(status == AVX_ERROR_INVALID_HANDLE, "{call} with another device's {kind:?}: {}", name(status));
                tried += 1;
            }
        }
    }
    assert!(tried > 30, "{tried} calls");
    handles.world.unharmed();
    other.world.unharmed();
}

#[test]
fn sixty_four_threads_of_bad_calls() {
    let Some(handles) = Handles::new() else { return };
    std::thread::scope(|scope| {
        for seed in 0..64 {
            let handles = Shared(&handles);
            scope.spawn(move || {
                let handles = handles.get();
                let world = &handles.world;
                let mut random = Random::new(seed);
                for _ in 0..50 {
                    let forged = random.next() as usize | 1 << 62;
                    fails(avx_free(without_provenance_mut(forged)), AVX_ERROR_INVALID_HANDLE);
                    fails(write(world.y, 250, &[0; 7]), AVX_ERROR_OUT_OF_RANGE);
                    world.misfit(&[]);
                    fails(world.device.try_kernel("fn", None).expect_err("no WGSL"), AVX_ERROR_COMPILE);
                    handles.refuse("a forged buffer", Kind::Buffer, forged);
                }
            });
        }
    });
    handles.world.unharmed();
}
