//! Failures of queued work. A stream and a device report a failure once, and the record of an event reports it to every caller.
//! AVX_NOT_READY is not a failure.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::*;
use std::ptr::null_mut;

/// Fails for every word except 1.
const STRICT: &str = "@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(1) fn main() {
    assert(data[0] == 1u, \"it is %u\", data[0]);
    data[1] = 9u;
}";

/// Runs for a while: the number of rounds over each word is a parameter.
const SLOW: &str = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> rounds: vec4<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < arrayLength(&x)) {
        var v = x[id.x];
        // No compiler can shorten this loop.
        for (var i = 0u; i < rounds.x; i++) { v = v * 1664525u + (v >> 7u); }
        x[id.x] = v;
    }
}";

/// A device with a kernel that accepts `good` and fails on `bad`, and a stream.
struct Strict {
    device: Device,
    kernel: avx_kernel,
    stream: avx_stream,
    good: avx_buffer,
    bad: avx_buffer,
}

impl Strict {
    fn open() -> Option<Strict> {
        let device = Device::open_computing()?;
        let source = c(STRICT);
        let label = c("strict");
        let options = avx_kernel_options {
            flags: AVX_KERNEL_DEBUG,
            code: source.as_ptr().cast(),
            label: label.as_ptr(),
            ..avx_kernel_options::zeroed()
        };
        let mut kernel = null_mut();
        ok(abi::kernel_create(device.handle, &options, &mut kernel));
        let (stream, good, bad) = (device.stream(), device.buffer_of_words(&[1, 0]), device.buffer_of_words(&[7, 0]));
        Some(Strict { device, kernel, stream, good, bad })
    }

    #[track_caller]
    fn run(&self, buffer: avx_buffer) {
        ok(dispatch_on(self.stream, self.kernel, [1, 1, 1], &[arg_buffer(buffer)]));
    }
}

/// The text of avx_event_message.
#[track_caller]
fn message(event: avx_event) -> String {
    let mut length = 0;
    ok(abi::event_message(event, null_mut(), 0, &mut length));
    let mut bytes = vec![0u8; length as usize + 1];
    ok(abi::event_message(event, bytes.as_mut_ptr().cast(), bytes.len() as u64, null_mut()));
    assert_eq!(bytes.pop(), Some(0), "it ends with NUL");
    String::from_utf8(bytes).expect("a message is UTF-8")
}

#[test]
fn every_wait_of_a_failed_record_tells_it() {
    let Some(strict) = Strict::open() else { return };
    let (before, failed, passed) = (strict.device.event(), strict.device.event(), strict.device.event());
    strict.run(strict.good);
    ok(avx_event_record(strict.stream, before));
    strict.run(strict.bad);
    ok(avx_event_record(strict.stream, failed));
    ok(avx_event_record(null_mut(), passed));
    for _ in 0..3 {
        let message = fails(avx_event_wait(failed, AVX_FOREVER), AVX_ERROR_ASSERTION);
        tells(&message, &["kernel 'strict' (0, 0, 0)", "it is 7"]);
        fails(avx_event_wait(failed, 0), AVX_ERROR_ASSERTION);
        fails(avx_event_status(failed), AVX_ERROR_ASSERTION);
        ok(avx_event_wait(before, AVX_FOREVER));
        ok(avx_event_status(before));
        ok(avx_event_wait(passed, AVX_FOREVER));
    }
    // With several events, the call names the failed one, on any thread.
    let events = [failed, passed];
    let mut index = 9;
    fails(abi::event_wait_any(events.as_ptr(), 1, AVX_FOREVER, &mut index), AVX_ERROR_ASSERTION);
    assert_eq!(index, 0);
    let (failed_there, before_there) = (Shared(&failed), Shared(&before));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            tells(&message(*failed_there.get()), &["AVX_ERROR_ASSERTION: ", "kernel 'strict'", "it is 7"]);
            assert_eq!(last_error(), "", "this thread had no error");
            assert_eq!(message(*before_there.get()), "");
        });
    });
    // The failed event still has a time.
    let mut nanoseconds = 0;
    let status = abi::event_elapsed(before, failed, &mut nanoseconds);
    assert!([AVX_OK, AVX_ERROR_UNSUPPORTED].contains(&status), "{}", name(status));
    // The stream has not reported the failure yet, and reports it once.
    fails(avx_stream_synchronize(strict.stream, AVX_FOREVER), AVX_ERROR_ASSERTION);
    ok(avx_stream_synchronize(strict.stream, AVX_FOREVER));
    ok(avx_stream_status(strict.stream));
    fails(avx_event_wait(failed, AVX_FOREVER), AVX_ERROR_ASSERTION);
    // The failure stays until the event is recorded again.
    strict.run(strict.good);
    ok(avx_event_record(strict.stream, failed));
    ok(avx_event_wait(failed, AVX_FOREVER));
    assert_eq!(message(failed), "");
}

#[test]
fn a_failure_that_nobody_was_told_of_is_also_a_later_records() {
    let Some(strict) = Strict::open() else { return };
    let (first, second, third) = (strict.device.event(), strict.device.event(), strict.device.event());
    strict.run(strict.bad);
    // The wait of another stream reads the report.
    ok(avx_stream_synchronize(strict.device.stream(), AVX_FOREVER));
    strict.run(strict.good);
    ok(avx_event_record(strict.stream, first));
    ok(avx_event_record(strict.stream, second));
    fails(avx_event_wait(second, AVX_FOREVER), AVX_ERROR_ASSERTION);
    ok(avx_event_record(strict.stream, third));
    ok(avx_event_wait(third, AVX_FOREVER));
    fails(avx_event_wait(first, AVX_FOREVER), AVX_ERROR_ASSERTION);
    // The device reports the failure once, as the stream would have.
    fails(avx_device_synchronize(strict.device.handle, AVX_FOREVER), AVX_ERROR_ASSERTION);
    ok(avx_device_synchronize(strict.device.handle, AVX_FOREVER));
    ok(avx_stream_synchronize(strict.stream, AVX_FOREVER));
}

#[test]
fn a_read_brings_the_bytes_and_the_failed_assertion() {
    let Some(strict) = Strict::open() else { return };
    let word = |bytes: &[u8]| words_of(bytes)[1];
    // The read itself finds the failure, or it was known before the read.
    for known in [false, true] {
        ok(write(strict.bad, 0, &bytes_of(&[7, 0])));
        strict.run(strict.bad);
        if known {
            ok(avx_stream_synchronize(strict.device.stream(), AVX_FOREVER));
        }
        let mut bytes = [0; 8];
        fails(read_on(strict.stream, strict.bad, 0, &mut bytes), AVX_ERROR_ASSERTION);
        assert_eq!(word(&bytes), 9, "the bytes are there");
        ok(read_on(strict.stream, strict.bad, 0, &mut bytes));
    }
    // A read that is delivered later gets the failure from the wait that delivers it.
    ok(write(strict.bad, 0, &bytes_of(&[7, 0])));
    strict.run(strict.bad);
    let mut bytes = [0u8; 8];
    let event = strict.device.event();
    ok(abi::read_async(strict.stream, strict.bad, 0, bytes.as_mut_ptr().cast(), 8));
    ok(avx_event_record(strict.stream, event));
    fails(avx_event_wait(event, AVX_FOREVER), AVX_ERROR_ASSERTION);
    assert_eq!(word(&bytes), 9, "the bytes are there");
    fails(avx_stream_status(strict.stream), AVX_ERROR_ASSERTION);
}

#[test]
fn many_failures_that_nobody_asks_for() {
    let Some(strict) = Strict::open() else { return };
    let events: Vec<avx_event> = (0..8).map(|_| strict.device.event()).collect();
    for i in 0..200 {
        strict.run(strict.bad);
        ok(avx_event_record(strict.stream, events[i % events.len()]));
        if i % 16 == 15 {
            ok(avx_stream_synchronize(strict.device.stream(), AVX_FOREVER));
        }
    }
    for &event in &events {
        fails(avx_event_wait(event, AVX_FOREVER), AVX_ERROR_ASSERTION);
    }
    fails(avx_stream_synchronize(strict.stream, AVX_FOREVER), AVX_ERROR_ASSERTION);
    ok(avx_stream_synchronize(strict.stream, AVX_FOREVER));
}

#[test]
fn not_yet_is_no_failure() {
    let Some(device) = Device::open_computing() else { return };
    let (kernel, stream, event) = (device.kernel(SLOW), device.stream(), device.event());
    let buffer = device.buffer_of_words(&[1; 4096]);
    let rounds = bytes_of(&[if device.is_cpu() { 20_000 } else { 10_000_000 }, 0, 0, 0]);
    let before = fails(avx_free(stream.cast()), AVX_ERROR_INVALID_HANDLE);
    for _ in 0..4 {
        ok(dispatch_on(stream, kernel, [64, 1, 1], &[arg_buffer(buffer), arg_bytes(&rounds)]));
    }
    ok(avx_event_record(stream, event));
    let mut index = 7;
    let not_yet = [
        ("avx_event_wait", avx_event_wait(event, 0)),
        ("avx_event_status", avx_event_status(event)),
        ("avx_event_wait_any", abi::event_wait_any([event].as_ptr(), 1, 0, &mut index)),
        ("avx_stream_synchronize", avx_stream_synchronize(stream, 0)),
        ("avx_stream_status", avx_stream_status(stream)),
        ("avx_device_synchronize", avx_device_synchronize(device.handle, 0)),
    ];
    let timed_out = [
        ("avx_event_wait", avx_event_wait(event, 1)),
        ("avx_event_wait_any", abi::event_wait_any([event].as_ptr(), 1, 1, &mut index)),
        ("avx_stream_synchronize", avx_stream_synchronize(stream, 1)),
        ("avx_device_synchronize", avx_device_synchronize(device.handle, 1)),
    ];
    for (function, status) in not_yet {
        assert_eq!(status, AVX_NOT_READY, "{function} with a timeout of 0: {}", name(status));
    }
    for (function, status) in timed_out {
        assert_eq!(status, AVX_TIMEOUT, "{function} with a timeout of 1 ns: {}", name(status));
    }
    assert_eq!(index, 7, "nothing passed");
    assert_eq!(last_error(), before, "what the last failure was about stays");
    ok(avx_event_wait(event, AVX_FOREVER));
    assert_eq!(message(event), "");
}

#[test]
fn a_message_is_cut_to_fit() {
    let Some(strict) = Strict::open() else { return };
    let event = strict.device.event();
    assert_eq!(message(event), "", "it is not recorded yet");
    strict.run(strict.bad);
    ok(avx_event_record(strict.stream, event));
    fails(avx_event_wait(event, AVX_FOREVER), AVX_ERROR_ASSERTION);
    let whole = message(event);
    let mut short = [b'x'; 8];
    let mut length = 0;
    ok(abi::event_message(event, short.as_mut_ptr().cast(), 8, &mut length));
    assert_eq!((&short[..7], short[7], length), (&whole.as_bytes()[..7], 0, whole.len() as u64));
    fails(abi::event_message(event, null_mut(), 4, &mut length), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::event_message(strict.stream.cast(), null_mut(), 0, &mut length), AVX_ERROR_INVALID_HANDLE);
    fails(abi::event_message(null_mut(), null_mut(), 0, &mut length), AVX_ERROR_INVALID_HANDLE);
    ok(abi::event_message(event, null_mut(), 0, null_mut()));
}
