//! The helpers that the black-box tests share. The tests call the C ABI as a C program would. The helpers check statuses, make
//! arguments and convert small values. The modules below have every function without `unsafe`, an open device, a random generator,
//! SPIR-V, and re-runs in a process of their own.

pub(crate) mod abi;
pub(crate) mod device;
pub(crate) mod glsl;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod spirv;
pub(crate) mod world;

pub(crate) use avx_gpu::ffi::*;
pub(crate) use device::Device;
use std::ffi::{CStr, CString, c_char, c_void};
use std::io::Write as _;
use std::ptr::{null, null_mut};

/// The text of this thread's last error.
pub(crate) fn last_error() -> String {
    let text = avx_last_error();
    // SAFETY: avx_last_error gives NUL-terminated text, valid until this thread's next failure.
    unsafe { CStr::from_ptr(text) }.to_str().expect("avx_last_error is UTF-8").to_owned()
}

/// The name of a status, for messages.
pub(crate) fn name(status: avx_status) -> String {
    // SAFETY: avx_status_name gives static NUL-terminated text.
    unsafe { CStr::from_ptr(avx_status_name(status)) }.to_string_lossy().into_owned()
}

/// Panics with the error message unless the call succeeded or was queued.
#[track_caller]
pub(crate) fn ok(status: avx_status) {
    assert!(status == AVX_OK, "{} ({status}): {}", name(status), last_error());
}

/// Panics unless the call failed with `expected`. Returns the error message, which is never empty.
#[track_caller]
pub(crate) fn fails(status: avx_status, expected: avx_status) -> String {
    fails_with_one_of(status, &[expected])
}

/// Panics unless the call failed with one of `expected`. Returns the error message, which is never empty.
#[track_caller]
pub(crate) fn fails_with_one_of(status: avx_status, expected: &[avx_status]) -> String {
    let wanted: Vec<String> = expected.iter().map(|&s| name(s)).collect();
    assert!(expected.contains(&status), "wanted {}, got {} ({status}); last error: {}", wanted.join(" or "), name(status), last_error());
    let message = last_error();
    assert!(!message.is_empty(), "{} came with no message", name(status));
    message
}

/// Panics unless the error message contains each of the words, in upper or lower case.
#[track_caller]
pub(crate) fn tells(message: &str, words: &[&str]) {
    let lower = message.to_lowercase();
    for word in words {
        assert!(lower.contains(&word.to_lowercase()), "the message does not say {word:?}: {message}");
    }
}

/// A C string. The tests' texts have no NUL inside.
pub(crate) fn c(text: &str) -> CString {
    CString::new(text).expect("no NUL in the text")
}

/// The text in a fixed array of a struct.
pub(crate) fn text(array: &[c_char]) -> String {
    let bytes: Vec<u8> = array.iter().take_while(|&&c| c != 0).map(|&c| c.cast_unsigned()).collect();
    assert!(bytes.len() < array.len(), "a text in a struct has no NUL");
    String::from_utf8(bytes).expect("a text in a struct is UTF-8")
}

/// A struct of the ABI as any FFI may initialize it: zeros, and its size.
pub(crate) trait Zeroed: Copy {
    /// Zeros with `struct_size` set.
    fn zeroed() -> Self;
}

macro_rules! zeroed {
    ($($name:ident),*) => {$(
        impl Zeroed for $name {
            fn zeroed() -> Self {
                // SAFETY: the struct holds integers and raw pointers, for which zero bytes are valid.
                let mut value: Self = unsafe { std::mem::zeroed() };
                value.struct_size = u32::try_from(size_of::<Self>()).expect("small");
                value
            }
        }
    )*};
}
zeroed!(avx_device_options, avx_stream_options, avx_device_properties, avx_memory_usage, avx_buffer_options, avx_buffer_properties);
zeroed!(avx_event_options, avx_graph_options, avx_graph_properties, avx_kernel_member_properties);
zeroed!(avx_kernel_options, avx_kernel_properties, avx_kernel_arg_properties);

/// A buffer as an argument. A size of 0 means up to the end of the buffer.
pub(crate) fn arg_range(buffer: avx_buffer, offset: u64, size: u64) -> avx_arg {
    avx_arg {
        kind: AVX_ARG_BUFFER,
        flags: 0,
        group: 0,
        binding: 0,
        buffer,
        bytes: null(),
        offset,
        size,
        slot: 0,
        reserved: 0,
        reserved2: 0,
    }
}

/// A whole buffer as an argument.
pub(crate) fn arg_buffer(buffer: avx_buffer) -> avx_arg {
    arg_range(buffer, 0, 0)
}

/// Bytes as an argument. The bytes must stay valid until the call that gets the argument.
pub(crate) fn arg_bytes(bytes: &[u8]) -> avx_arg {
    avx_arg { kind: AVX_ARG_BYTES, bytes: bytes.as_ptr().cast(), ..arg_range(null_mut(), 0, bytes.len() as u64) }
}

/// The same argument for (group, binding).
pub(crate) fn at(group: u32, binding: u32, arg: avx_arg) -> avx_arg {
    avx_arg { flags: arg.flags | AVX_ARG_FLAG_AT, group, binding, ..arg }
}

/// The bytes of words, in little-endian order as on every target of the library.
pub(crate) fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// The words of bytes.
pub(crate) fn words_of(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
}

/// Prints why a test does nothing here. The text bypasses the capture of the test runner, so that each skip is visible.
pub(crate) fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("SKIPPED: {}: {}\n", thread.name().unwrap_or("a thread"), reason.replace('\n', " "));
    // A closed stderr must not fail a test.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A handle that threads may share. Handles are names that any thread may use, but raw pointers are not `Send`.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T>(pub(crate) T);
// SAFETY: the wrapped values are handles, which the ABI allows on every thread.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T: Copy> Shared<T> {
    /// The handle. This is a method, so that closures capture the whole wrapper.
    pub(crate) fn get(&self) -> T {
        self.0
    }
}

/// `avx_write` on the default stream.
pub(crate) fn write(buffer: avx_buffer, offset: u64, data: &[u8]) -> avx_status {
    abi::write(null_mut(), buffer, offset, data.as_ptr().cast(), data.len() as u64)
}

/// `avx_read` on the default stream.
pub(crate) fn read(buffer: avx_buffer, offset: u64, data: &mut [u8]) -> avx_status {
    abi::read(null_mut(), buffer, offset, data.as_mut_ptr().cast(), data.len() as u64)
}

/// `avx_fill` on the default stream.
pub(crate) fn fill(buffer: avx_buffer, offset: u64, size: u64, pattern: &[u8]) -> avx_status {
    abi::fill(null_mut(), buffer, offset, size, pattern.as_ptr().cast(), u32::try_from(pattern.len()).expect("small"))
}

/// `avx_copy` on the default stream.
pub(crate) fn copy(dst: (avx_buffer, u64), src: (avx_buffer, u64), size: u64) -> avx_status {
    avx_copy(null_mut(), dst.0, dst.1, src.0, src.1, size)
}

/// `avx_dispatch` on the default stream.
pub(crate) fn dispatch(kernel: avx_kernel, [x, y, z]: [u32; 3], args: &[avx_arg]) -> avx_status {
    abi::dispatch(null_mut(), kernel, x, y, z, args.as_ptr(), u32::try_from(args.len()).expect("few"))
}

/// `avx_dispatch_threads` on the default stream.
pub(crate) fn dispatch_threads(kernel: avx_kernel, [x, y, z]: [u64; 3], args: &[avx_arg]) -> avx_status {
    abi::dispatch_threads(null_mut(), kernel, x, y, z, args.as_ptr(), u32::try_from(args.len()).expect("few"))
}

/// Maps a range and returns its address.
#[track_caller]
pub(crate) fn map(buffer: avx_buffer, offset: u64, size: u64, access: u32) -> *mut u8 {
    let mut pointer: *mut c_void = null_mut();
    ok(abi::map(buffer, offset, size, access, &mut pointer));
    assert!(!pointer.is_null(), "avx_map gave NULL");
    pointer.cast()
}

/// Copies out of a mapping of at least `size` bytes.
pub(crate) fn mapped_bytes(pointer: *const u8, size: usize) -> Vec<u8> {
    // SAFETY: the tests pass an address that avx_map returned for `size` bytes or more, before avx_unmap.
    unsafe { std::slice::from_raw_parts(pointer, size) }.to_vec()
}

/// Copies into a mapping of at least `data.len()` bytes.
pub(crate) fn put_mapped(pointer: *mut u8, data: &[u8]) {
    // SAFETY: the tests pass an address that avx_map returned for that many bytes or more, before avx_unmap.
    unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), pointer, data.len()) }
}

/// The properties of a buffer.
#[track_caller]
pub(crate) fn buffer_info(buffer: avx_buffer) -> avx_buffer_properties {
    let mut properties = avx_buffer_properties::zeroed();
    ok(abi::buffer_info(buffer, &mut properties));
    properties
}

/// The properties of a kernel.
#[track_caller]
pub(crate) fn kernel_info(kernel: avx_kernel) -> avx_kernel_properties {
    let mut properties = avx_kernel_properties::zeroed();
    ok(abi::kernel_info(kernel, &mut properties));
    properties
}

/// The properties of an argument of a kernel.
#[track_caller]
pub(crate) fn arg_info(kernel: avx_kernel, index: u32) -> avx_kernel_arg_properties {
    let mut properties = avx_kernel_arg_properties::zeroed();
    ok(abi::kernel_arg_info(kernel, index, &mut properties));
    properties
}

/// The number of visible devices. It is 0 also if there is no driver.
pub(crate) fn device_count() -> u32 {
    let mut count = 0;
    match abi::device_count(&mut count) {
        AVX_OK => count,
        AVX_ERROR_NO_DRIVER => 0,
        status => panic!("avx_device_count: {} ({status}): {}", name(status), last_error()),
    }
}

/// A slot of a graph as an argument.
pub(crate) fn arg_param(slot: u32) -> avx_arg {
    avx_arg { kind: AVX_ARG_PARAM, slot, ..arg_range(null_mut(), 0, 0) }
}

/// A range as an argument, to whose offset a slot of a graph is added.
pub(crate) fn arg_param_offset(slot: u32, buffer: avx_buffer, offset: u64, size: u64) -> avx_arg {
    avx_arg { kind: AVX_ARG_PARAM_OFFSET, slot, ..arg_range(buffer, offset, size) }
}

/// The number of arguments.
pub(crate) fn count(args: &[avx_arg]) -> u32 {
    u32::try_from(args.len()).expect("few")
}

/// `avx_dispatch` on a stream.
pub(crate) fn dispatch_on(stream: avx_stream, kernel: avx_kernel, [x, y, z]: [u32; 3], args: &[avx_arg]) -> avx_status {
    abi::dispatch(stream, kernel, x, y, z, args.as_ptr(), count(args))
}

/// `avx_write` on a stream.
pub(crate) fn write_on(stream: avx_stream, buffer: avx_buffer, offset: u64, data: &[u8]) -> avx_status {
    abi::write(stream, buffer, offset, data.as_ptr().cast(), data.len() as u64)
}

/// `avx_read` on a stream.
pub(crate) fn read_on(stream: avx_stream, buffer: avx_buffer, offset: u64, data: &mut [u8]) -> avx_status {
    abi::read(stream, buffer, offset, data.as_mut_ptr().cast(), data.len() as u64)
}

/// `avx_fill` on a stream.
pub(crate) fn fill_on(stream: avx_stream, buffer: avx_buffer, offset: u64, size: u64, pattern: &[u8]) -> avx_status {
    abi::fill(stream, buffer, offset, size, pattern.as_ptr().cast(), u32::try_from(pattern.len()).expect("small"))
}

/// `avx_graph_launch`.
pub(crate) fn launch(stream: avx_stream, graph: avx_graph, params: &[avx_arg]) -> avx_status {
    abi::graph_launch(stream, graph, params.as_ptr(), count(params))
}

/// The level and the text of a line that a log callback gets.
pub(crate) fn line_of(record: *const avx_log_record) -> (i32, String) {
    // SAFETY: the library passes a record that is valid during the call, with NUL-terminated text.
    unsafe { ((*record).level, CStr::from_ptr((*record).message).to_str().expect("a line is UTF-8").to_owned()) }
}
