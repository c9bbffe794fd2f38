//! The library through its C ABI, as a C program calls the functions. Every call goes through an address that the compiler does not
//! know, so that no part of the library is inlined into the measured loop.

use avx_gpu::ffi::*;
use std::ffi::{CStr, CString, c_void};
use std::hint::black_box;
use std::ptr::null_mut;

/// An open device of the library.
#[derive(Clone, Copy)]
pub(crate) struct Ours {
    pub(crate) device: avx_device,
    abi: &'static Abi,
}

// SAFETY: the library's handles may be used from any thread at any time.
unsafe impl Send for Ours {}
// SAFETY: as above.
unsafe impl Sync for Ours {}

/// An argument that threads share.
#[derive(Clone, Copy)]
pub(crate) struct Args<const N: usize>(pub(crate) [avx_arg; N]);

// SAFETY: the arguments name buffers by their handles and hold no addresses.
unsafe impl<const N: usize> Send for Args<N> {}
// SAFETY: as above.
unsafe impl<const N: usize> Sync for Args<N> {}

struct Abi {
    alloc: unsafe extern "C" fn(avx_device, u64, u32, *mut avx_buffer) -> avx_status,
    free: extern "C" fn(avx_buffer) -> avx_status,
    write: unsafe extern "C" fn(avx_stream, avx_buffer, u64, *const c_void, u64) -> avx_status,
    read: unsafe extern "C" fn(avx_stream, avx_buffer, u64, *mut c_void, u64) -> avx_status,
    copy: extern "C" fn(avx_stream, avx_buffer, u64, avx_buffer, u64, u64) -> avx_status,
    fill: unsafe extern "C" fn(avx_stream, avx_buffer, u64, u64, *const c_void, u32) -> avx_status,
    write_async: unsafe extern "C" fn(avx_stream, avx_buffer, u64, *const c_void, u64) -> avx_status,
    dispatch: unsafe extern "C" fn(avx_stream, avx_kernel, u32, u32, u32, *const avx_arg, u32) -> avx_status,
    launch: unsafe extern "C" fn(avx_stream, avx_graph, *const avx_arg, u32) -> avx_status,
    flush: extern "C" fn(avx_stream) -> avx_status,
    synchronize: extern "C" fn(avx_device, u64) -> avx_status,
}

/// Stops the program with the library's error message if a call failed.
pub(crate) fn must(status: avx_status) {
    if status != AVX_OK {
        // SAFETY: the text is valid until this thread's next call that fails.
        let why = unsafe { CStr::from_ptr(avx_last_error()) };
        panic!("status {status}: {}", why.to_string_lossy());
    }
}

impl Ours {
    /// Opens the device that the environment selects, or the best device.
    pub(crate) fn new(cache_dir: Option<&str>) -> Ours {
        let abi = Box::leak(Box::new(Abi {
            alloc: black_box(avx_alloc),
            free: black_box(avx_free),
            write: black_box(avx_write),
            read: black_box(avx_read),
            copy: black_box(avx_copy),
            fill: black_box(avx_fill),
            write_async: black_box(avx_write_async),
            dispatch: black_box(avx_dispatch),
            launch: black_box(avx_graph_launch),
            flush: black_box(avx_stream_flush),
            synchronize: black_box(avx_device_synchronize),
        }));
        let cache_dir = cache_dir.map(|folder| CString::new(folder).expect("a folder without NUL"));
        // SAFETY: a zeroed avx_device_options is one with every default, says its documentation.
        let mut options: avx_device_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<avx_device_options>() as u32;
        options.cache_dir = cache_dir.as_ref().map_or(std::ptr::null(), |folder| folder.as_ptr());
        let mut device = null_mut();
        // SAFETY: the options and the text in them outlive the call, and `device` is writable.
        must(unsafe { avx_create(&options, &mut device) });
        Ours { device, abi }
    }

    /// The properties of the device.
    pub(crate) fn properties(&self) -> Box<avx_device_properties> {
        // SAFETY: a struct of numbers and arrays of them, for which zero is valid.
        let mut properties: Box<avx_device_properties> = Box::new(unsafe { std::mem::zeroed() });
        properties.struct_size = size_of::<avx_device_properties>() as u32;
        // SAFETY: the struct is writable in the size that it names.
        must(unsafe { avx_device_info(self.device, &mut *properties) });
        properties
    }

    /// The kernel `main` of a WGSL source.
    pub(crate) fn kernel(&self, wgsl: &str) -> avx_kernel {
        let wgsl = CString::new(wgsl).expect("a text without NUL");
        let mut kernel = null_mut();
        // SAFETY: the text ends with NUL and `kernel` is writable.
        must(unsafe { avx_kernel_from_wgsl(self.device, wgsl.as_ptr(), std::ptr::null(), &mut kernel) });
        kernel
    }

    /// The kernel `main` of a source in a language (AVX_LANGUAGE_...), or the error message.
    pub(crate) fn try_kernel(&self, language: u32, text: &str, flags: u32) -> Result<avx_kernel, String> {
        // SAFETY: a zeroed avx_kernel_options is one with every default, says its documentation.
        let mut options: avx_kernel_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<avx_kernel_options>() as u32;
        (options.language, options.flags) = (language, flags);
        (options.code, options.code_size) = (text.as_ptr().cast(), text.len() as u64);
        let mut kernel = null_mut();
        // SAFETY: the options and the text outlive the call, and `kernel` is writable.
        match unsafe { avx_kernel_create(self.device, &options, &mut kernel) } {
            AVX_OK => Ok(kernel),
            // SAFETY: the text is valid until this thread's next call that fails.
            _ => Err(unsafe { CStr::from_ptr(avx_last_error()) }.to_string_lossy().into_owned()),
        }
    }

    /// A buffer of `size` bytes in `memory` (AVX_MEMORY_...).
    pub(crate) fn alloc(&self, size: usize, memory: u32) -> avx_buffer {
        let mut buffer = null_mut();
        // SAFETY: `buffer` is writable.
        must(unsafe { (self.abi.alloc)(self.device, size as u64, memory, &mut buffer) });
        buffer
    }

    /// Frees a buffer.
    pub(crate) fn free(&self, buffer: avx_buffer) {
        must((self.abi.free)(buffer));
    }

    /// Writes to the start of a buffer.
    pub(crate) fn write(&self, buffer: avx_buffer, data: &[u8]) {
        // SAFETY: `data` is readable in its length.
        must(unsafe { (self.abi.write)(null_mut(), buffer, 0, data.as_ptr().cast(), data.len() as u64) });
    }

    /// Queues a write to the start of a buffer.
    ///
    /// # Safety
    /// `data` must stay valid and unchanged until the stream has passed the write.
    pub(crate) unsafe fn write_async(&self, stream: avx_stream, buffer: avx_buffer, data: &[u8]) {
        // SAFETY: as the caller promises.
        must(unsafe { (self.abi.write_async)(stream, buffer, 0, data.as_ptr().cast(), data.len() as u64) });
    }

    /// Reads from the start of a buffer, on the default stream.
    pub(crate) fn read(&self, buffer: avx_buffer, data: &mut [u8]) {
        self.read_on(null_mut(), buffer, data);
    }

    /// Reads from the start of a buffer.
    pub(crate) fn read_on(&self, stream: avx_stream, buffer: avx_buffer, data: &mut [u8]) {
        // SAFETY: `data` is writable in its length.
        must(unsafe { (self.abi.read)(stream, buffer, 0, data.as_mut_ptr().cast(), data.len() as u64) });
    }

    /// Registers host memory with the device. Returns false if the device does not support this.
    ///
    /// # Safety
    /// The memory must stay valid until [`Ours::unregister`].
    pub(crate) unsafe fn register(&self, memory: &mut [u8]) -> bool {
        // SAFETY: as the caller promises.
        let status = unsafe { avx_host_register(self.device, memory.as_mut_ptr().cast(), memory.len() as u64, 0) };
        if status != AVX_ERROR_UNSUPPORTED {
            must(status);
        }
        status == AVX_OK
    }

    /// Ends a registration.
    pub(crate) fn unregister(&self, memory: &mut [u8]) {
        must(avx_host_unregister(self.device, memory.as_mut_ptr().cast()));
    }

    /// A new stream.
    pub(crate) fn stream(&self) -> Stream {
        let mut stream = null_mut();
        // SAFETY: NULL options are the defaults, and `stream` is writable.
        must(unsafe { avx_stream_create(self.device, std::ptr::null(), &mut stream) });
        Stream(stream)
    }

    /// A graph of the commands that `record` queues on the stream that it gets.
    pub(crate) fn graph(&self, record: impl FnOnce(avx_stream)) -> avx_graph {
        let (mut stream, mut graph) = (null_mut(), null_mut());
        // SAFETY: `stream` is writable.
        must(unsafe { avx_graph_begin(self.device, std::ptr::null(), &mut stream) });
        record(stream);
        // SAFETY: `graph` is writable.
        must(unsafe { avx_graph_end(stream, &mut graph) });
        graph
    }

    /// Launches a graph without slots on the default stream.
    pub(crate) fn launch(&self, graph: avx_graph) {
        // SAFETY: there are no arguments.
        must(unsafe { (self.abi.launch)(null_mut(), graph, std::ptr::null(), 0) });
    }

    /// Submits the work that a stream has not submitted yet.
    pub(crate) fn flush(&self, stream: avx_stream) {
        must((self.abi.flush)(stream));
    }

    /// Copies from the start of one buffer to the start of another.
    pub(crate) fn copy(&self, from: avx_buffer, to: avx_buffer, size: usize) {
        must((self.abi.copy)(null_mut(), to, 0, from, 0, size as u64));
    }

    /// Fills a buffer with a word, from its start.
    pub(crate) fn fill(&self, buffer: avx_buffer, size: usize, word: u32) {
        // SAFETY: the pattern is four readable bytes.
        must(unsafe { (self.abi.fill)(null_mut(), buffer, 0, size as u64, (&raw const word).cast(), 4) });
    }

    /// Queues a kernel on the default stream.
    pub(crate) fn dispatch(&self, kernel: avx_kernel, grid: (u32, u32), args: &[avx_arg]) {
        self.dispatch_on(null_mut(), kernel, grid, args);
    }

    /// Queues a kernel on a stream.
    pub(crate) fn dispatch_on(&self, stream: avx_stream, kernel: avx_kernel, grid: (u32, u32), args: &[avx_arg]) {
        // SAFETY: the arguments are readable and name buffers.
        must(unsafe { (self.abi.dispatch)(stream, kernel, grid.0, grid.1, 1, args.as_ptr(), args.len() as u32) });
    }

    /// Waits for all queued work.
    pub(crate) fn synchronize(&self) {
        must((self.abi.synchronize)(self.device, AVX_FOREVER));
    }
}

/// A stream that threads share.
#[derive(Clone, Copy)]
pub(crate) struct Stream(pub(crate) avx_stream);

// SAFETY: the library's handles may be used from any thread.
unsafe impl Send for Stream {}
// SAFETY: as above.
unsafe impl Sync for Stream {}

impl Stream {
    /// The default stream of any device.
    pub(crate) const DEFAULT: Stream = Stream(null_mut());

    /// Frees the stream. Its queued work continues.
    pub(crate) fn free(self) {
        must(avx_stream_free(self.0));
    }
}

/// A range of a buffer as an argument. A size of 0 bytes means up to the end of the buffer.
pub(crate) fn range(buffer: avx_buffer, offset: u64, size: u64) -> avx_arg {
    let (group, binding, bytes) = (0, 0, std::ptr::null());
    avx_arg { kind: AVX_ARG_BUFFER, flags: 0, group, binding, buffer, bytes, offset, size, slot: 0, reserved: 0, reserved2: 0 }
}

/// A whole buffer as an argument.
pub(crate) fn whole(buffer: avx_buffer) -> avx_arg {
    range(buffer, 0, 0)
}
