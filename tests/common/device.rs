//! An open device or a skip with its reason, and a check that the validation layer reported nothing.

use super::*;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// The number of messages of the validation layer in this process.
static VALIDATION_MESSAGES: AtomicU32 = AtomicU32::new(0);

/// An open device, which is closed when dropped. Its functions panic with the error message on failure.
pub(crate) struct Device {
    /// The handle.
    pub(crate) handle: avx_device,
}

// SAFETY: a Device holds only a handle, which the ABI allows on every thread.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

impl Device {
    /// Opens the best device, without a disk cache. If there is no driver, or a feature is not supported, it prints why the test is
    /// skipped. Any other failure fails the test.
    pub(crate) fn open() -> Option<Device> {
        watch_validation();
        let no_cache = c("");
        let options = avx_device_options { cache_dir: no_cache.as_ptr(), ..avx_device_options::zeroed() };
        Device::open_with(&options)
    }

    /// Opens as `open` does, and also skips if kernels and copies do nothing (the null driver). This is for tests that look at
    /// results.
    pub(crate) fn open_computing() -> Option<Device> {
        let device = Device::open()?;
        if device.is_mock() {
            skip("the null driver computes nothing");
            return None;
        }
        Some(device)
    }

    /// Opens with options, or skips as `open` does.
    pub(crate) fn open_with(options: &avx_device_options) -> Option<Device> {
        let mut handle = null_mut();
        match abi::create(options, &mut handle) {
            AVX_OK => {
                assert!(!handle.is_null(), "avx_create gave NULL");
                Some(Device { handle })
            }
            AVX_ERROR_NO_DRIVER | AVX_ERROR_UNSUPPORTED => {
                skip(&last_error());
                None
            }
            status => panic!("avx_create: {} ({status}): {}", name(status), last_error()),
        }
    }

    /// The properties of the device.
    pub(crate) fn info(&self) -> avx_device_properties {
        let mut properties = avx_device_properties::zeroed();
        ok(abi::device_info(self.handle, &mut properties));
        properties
    }

    /// Whether this is the null driver, on which calls succeed and nothing is computed.
    pub(crate) fn is_mock(&self) -> bool {
        let info = self.info();
        let names = format!("{} {}", text(&info.name), text(&info.driver_name)).to_lowercase();
        names.contains("mock") || names.contains("null driver")
    }

    /// Whether this is a software driver, for which the tests choose smaller sizes.
    pub(crate) fn is_cpu(&self) -> bool {
        self.info().kind == AVX_DEVICE_KIND_CPU
    }

    /// A buffer.
    #[track_caller]
    pub(crate) fn alloc(&self, size: u64, memory: u32) -> avx_buffer {
        let mut buffer = null_mut();
        ok(abi::alloc(self.handle, size, memory, &mut buffer));
        assert!(!buffer.is_null(), "avx_alloc gave NULL");
        buffer
    }

    /// A buffer in device memory with contents.
    #[track_caller]
    pub(crate) fn buffer_of(&self, content: &[u8]) -> avx_buffer {
        let buffer = self.alloc(content.len() as u64, AVX_MEMORY_DEVICE);
        self.write(buffer, 0, content);
        buffer
    }

    /// A buffer in device memory that holds words.
    #[track_caller]
    pub(crate) fn buffer_of_words(&self, words: &[u32]) -> avx_buffer {
        self.buffer_of(&bytes_of(words))
    }

    /// Writes bytes at an offset.
    #[track_caller]
    pub(crate) fn write(&self, buffer: avx_buffer, offset: u64, data: &[u8]) {
        ok(write(buffer, offset, data));
    }

    /// Reads bytes from an offset.
    #[track_caller]
    pub(crate) fn read(&self, buffer: avx_buffer, offset: u64, size: usize) -> Vec<u8> {
        let mut data = vec![0xEE; size];
        ok(read(buffer, offset, &mut data));
        data
    }

    /// Reads `count` words from the start.
    #[track_caller]
    pub(crate) fn words(&self, buffer: avx_buffer, count: usize) -> Vec<u32> {
        words_of(&self.read(buffer, 0, count * 4))
    }

    /// Fills a range with a pattern.
    #[track_caller]
    pub(crate) fn fill(&self, buffer: avx_buffer, offset: u64, size: u64, pattern: &[u8]) {
        ok(fill(buffer, offset, size, pattern));
    }

    /// Tries to compile WGSL.
    pub(crate) fn try_kernel(&self, source: &str, entry_point: Option<&str>) -> Result<avx_kernel, avx_status> {
        let source = c(source);
        let entry_point = entry_point.map(c);
        let mut kernel = null_mut();
        let entry = entry_point.as_ref().map_or(null(), |e| e.as_ptr());
        match abi::kernel_from_wgsl(self.handle, source.as_ptr(), entry, &mut kernel) {
            AVX_OK => {
                assert!(!kernel.is_null(), "avx_kernel_from_wgsl gave NULL");
                Ok(kernel)
            }
            status => {
                assert!(kernel.is_null(), "an output was written on failure");
                Err(status)
            }
        }
    }

    /// Compiles WGSL with one entry point.
    #[track_caller]
    pub(crate) fn kernel(&self, source: &str) -> avx_kernel {
        match self.try_kernel(source, None) {
            Ok(kernel) => kernel,
            Err(status) => panic!("{} ({status}): {}", name(status), last_error()),
        }
    }

    /// Tries to create a kernel from code in a language. `Err` holds the status.
    pub(crate) fn try_code(&self, language: u32, code: &[u8], entry_point: Option<&str>) -> Result<avx_kernel, avx_status> {
        let entry_point = entry_point.map(c);
        let options = avx_kernel_options {
            language,
            code: code.as_ptr().cast(),
            code_size: code.len() as u64,
            entry_point: entry_point.as_ref().map_or(null(), |e| e.as_ptr()),
            ..avx_kernel_options::zeroed()
        };
        let mut kernel = null_mut();
        match abi::kernel_create(self.handle, &options, &mut kernel) {
            AVX_OK => Ok(kernel),
            status => {
                assert!(kernel.is_null(), "an output was written on failure");
                Err(status)
            }
        }
    }

    /// Dispatches workgroups on the default stream.
    #[track_caller]
    pub(crate) fn dispatch(&self, kernel: avx_kernel, groups: [u32; 3], args: &[avx_arg]) {
        ok(dispatch(kernel, groups, args));
    }

    /// A stream.
    #[track_caller]
    pub(crate) fn stream(&self) -> avx_stream {
        let mut stream = null_mut();
        ok(abi::stream_create(self.handle, null(), &mut stream));
        stream
    }

    /// An event.
    #[track_caller]
    pub(crate) fn event(&self) -> avx_event {
        let mut event = null_mut();
        ok(abi::event_create(self.handle, null(), &mut event));
        event
    }

    /// Records a graph: `record` gets the recording stream.
    #[track_caller]
    pub(crate) fn graph(&self, record: impl FnOnce(avx_stream)) -> avx_graph {
        let (mut stream, mut graph) = (null_mut(), null_mut());
        ok(abi::graph_begin(self.handle, null(), &mut stream));
        record(stream);
        ok(abi::graph_end(stream, &mut graph));
        graph
    }

    /// Waits for all queued work.
    #[track_caller]
    pub(crate) fn synchronize(&self) {
        ok(avx_device_synchronize(self.handle, AVX_FOREVER));
    }

    /// Closes the device and checks that closing it succeeded.
    #[track_caller]
    pub(crate) fn close(self) {
        let handle = self.handle;
        std::mem::forget(self);
        ok(avx_destroy(handle));
        no_validation_messages();
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let status = avx_destroy(self.handle);
        if !std::thread::panicking() {
            ok(status);
            no_validation_messages();
        }
    }
}

/// Starts to listen, once in each process, for messages of the validation layer. Each message is printed, and fails the test that
/// closes its device next.
fn watch_validation() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| ok(abi::set_log(Some(on_log), null_mut(), AVX_LOG_WARN)));
}

/// Counts and prints the messages of the validation layer.
unsafe extern "C" fn on_log(record: *const avx_log_record, _user: *mut c_void) {
    let (_, line) = line_of(record);
    if line.contains("validation:") {
        VALIDATION_MESSAGES.fetch_add(1, Ordering::SeqCst);
        eprintln!("{line}");
    }
}

/// Fails if the validation layer has reported anything in this process.
#[track_caller]
fn no_validation_messages() {
    let count = VALIDATION_MESSAGES.load(Ordering::SeqCst);
    assert!(count == 0, "the validation layer had {count} messages, printed above");
}
