//! The library's C ABI behind safe types: the only place of the tool with `unsafe`.

use crate::error::LibraryError;
use crate::source::{Code, ConstantName, ConstantValue};
pub(crate) use avx_gpu::ffi::offline::{Offline, OfflineArg, OfflineMember};
use avx_gpu::ffi::*;
use std::ffi::{CStr, CString, c_char};
use std::ptr::{null, null_mut};

type Result<T> = std::result::Result<T, LibraryError>;

/// The library's error, if the call failed.
fn check(status: avx_status) -> Result<()> {
    if status == AVX_OK {
        return Ok(());
    }
    // SAFETY: the text ends with NUL and is valid until this thread's next call that fails; it is copied at once.
    let text = unsafe { CStr::from_ptr(avx_last_error()) }.to_string_lossy().into_owned();
    // SAFETY: the name is static text that ends with NUL.
    let name = unsafe { CStr::from_ptr(avx_status_name(status)) }.to_string_lossy();
    let message = text.split_once(&format!("{name}: ")).map_or(text.as_str(), |(_, message)| message).to_owned();
    Err(LibraryError { status, message })
}

/// Text out of a fixed array of a struct.
fn text(array: &[c_char]) -> String {
    let bytes: Vec<u8> = array.iter().take_while(|&&c| c != 0).map(|&c| c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Text for the library.
fn c_text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| LibraryError { status: AVX_ERROR_INVALID_ARGUMENT, message: format!("{text:?} has a NUL in it") })
}

/// What a device is and can do.
pub(crate) struct DeviceInfo(Box<avx_device_properties>);

impl std::ops::Deref for DeviceInfo {
    type Target = avx_device_properties;

    fn deref(&self) -> &avx_device_properties {
        &self.0
    }
}

impl DeviceInfo {
    /// Fills one in.
    fn fill(ask: impl FnOnce(*mut avx_device_properties) -> avx_status) -> Result<DeviceInfo> {
        // SAFETY: a struct of numbers and arrays of numbers, for which zero is valid.
        let mut properties: Box<avx_device_properties> = Box::new(unsafe { std::mem::zeroed() });
        properties.struct_size = size_of::<avx_device_properties>() as u32;
        check(ask(&mut *properties))?;
        Ok(DeviceInfo(properties))
    }

    /// The GPU's name.
    pub(crate) fn name(&self) -> String {
        text(&self.0.name)
    }

    /// The maker's name.
    pub(crate) fn vendor(&self) -> String {
        text(&self.0.vendor)
    }

    /// The driver's name and version.
    pub(crate) fn driver(&self) -> (String, String) {
        (text(&self.0.driver_name), text(&self.0.driver_version))
    }

    /// Why it cannot be opened; "" if it can.
    pub(crate) fn reason(&self) -> String {
        text(&self.0.reason)
    }
}

/// The devices that are visible, usable or not.
pub(crate) fn devices() -> Result<Vec<DeviceInfo>> {
    let mut count = 0;
    // SAFETY: `count` is writable.
    check(unsafe { avx_device_count(&mut count) })?;
    // SAFETY: the struct is writable in the size that it names.
    (0..count).map(|index| DeviceInfo::fill(|properties| unsafe { avx_device_describe(index, properties) })).collect()
}

/// The library's version: (major << 22) | (minor << 12) | patch.
pub(crate) fn version() -> u32 {
    avx_version()
}

/// Calls with a kernel's code as the library takes it.
fn with_options<T>(code: &Code, call: impl FnOnce(*const avx_kernel_options) -> Result<T>) -> Result<T> {
    let entry = code.entry.as_deref().map(c_text).transpose()?;
    let label = c_text(&code.label)?;
    let names = code.constants.iter().map(|(name, _)| match name {
        ConstantName::Name(name) => c_text(name).map(Some),
        ConstantName::Id(_) => Ok(None),
    });
    let names = names.collect::<Result<Vec<Option<CString>>>>()?;
    let constants: Vec<avx_constant> = code
        .constants
        .iter()
        .zip(&names)
        .map(|((place, value), name)| avx_constant {
            name: name.as_ref().map_or(null(), |name| name.as_ptr()),
            id: if let ConstantName::Id(id) = place { *id } else { 0 },
            kind: if let ConstantValue::Bits(_) = value { AVX_CONSTANT_BITS } else { AVX_CONSTANT_NUMBER },
            value: if let ConstantValue::Number(number) = value { *number } else { 0.0 },
            bits: if let ConstantValue::Bits(bits) = value { *bits } else { 0 },
        })
        .collect();
    let folders = code.folders.iter().map(|text| c_text(text)).collect::<Result<Vec<CString>>>()?;
    let macros = code.macros.iter().map(|text| c_text(text)).collect::<Result<Vec<CString>>>()?;
    let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).collect::<Vec<_>>();
    let (folders_at, macros_at) = (pointers(&folders), pointers(&macros));
    // A size of 0 says that the text ends with NUL.
    let bytes = if code.bytes.is_empty() { &b"\0"[..] } else { &code.bytes };
    let options = avx_kernel_options {
        struct_size: size_of::<avx_kernel_options>() as u32,
        language: code.language,
        code: bytes.as_ptr().cast(),
        code_size: code.bytes.len() as u64,
        entry_point: entry.as_ref().map_or(null(), |entry| entry.as_ptr()),
        label: label.as_ptr(),
        constants: if constants.is_empty() { null() } else { constants.as_ptr() },
        constant_count: constants.len() as u32,
        flags: code.flags,
        subgroup_size: code.subgroup_size,
        reserved: 0,
        include_dirs: folders_at.as_ptr(),
        include_dir_count: folders_at.len() as u32,
        defines: macros_at.as_ptr(),
        define_count: macros_at.len() as u32,
    };
    call(&options)
}

/// Compiles a kernel for Vulkan 1.`minor`, without a device.
pub(crate) fn compile_offline(code: &Code, minor: u32) -> Result<Offline> {
    with_options(code, |options| {
        let mut out = Offline::default();
        // SAFETY: the options and what they point to live through the call.
        check(unsafe { offline::compile(options, minor, &mut out) })?;
        Ok(out)
    })
}

/// The names of the kernel's compute entry points; none where the code is not understood.
pub(crate) fn entry_points(code: &Code) -> Result<Vec<String>> {
    with_options(code, |options| {
        let mut out = Vec::new();
        // SAFETY: the options and what they point to live through the call.
        check(unsafe { offline::entry_points(options, &mut out) })?;
        Ok(out)
    })
}

/// An open device, closed when dropped, with all that was made on it.
pub(crate) struct Device(avx_device);

impl Device {
    /// Opens the device that the selector picks, or the best.
    pub(crate) fn open(selector: Option<&str>) -> Result<Device> {
        let selector = selector.map(c_text).transpose()?;
        let options = avx_device_options {
            struct_size: size_of::<avx_device_options>() as u32,
            flags: 0,
            device: selector.as_ref().map_or(null(), |selector| selector.as_ptr()),
            cache_dir: null(),
            label: null(),
            wait_timeout_ns: 0,
            spin_us: 0,
            copy_threads: 0,
            uuid: null(),
            log: None,
            log_user: null_mut(),
            log_level: 0,
            reserved: 0,
        };
        let mut device = null_mut();
        // SAFETY: the options and the text in them outlive the call, and `device` is writable.
        check(unsafe { avx_create(&options, &mut device) })?;
        Ok(Device(device))
    }

    /// What it is.
    pub(crate) fn info(&self) -> Result<DeviceInfo> {
        // SAFETY: the struct is writable in the size that it names.
        DeviceInfo::fill(|properties| unsafe { avx_device_info(self.0, properties) })
    }

    /// Compiles a kernel.
    pub(crate) fn kernel(&self, code: &Code) -> Result<Kernel<'_>> {
        with_options(code, |options| {
            let mut kernel = null_mut();
            // SAFETY: the options and what they point to live through the call, and `kernel` is writable.
            check(unsafe { avx_kernel_create(self.0, options, &mut kernel) })?;
            Ok(Kernel { handle: kernel, _device: self })
        })
    }

    /// A buffer of zeros in the device's memory, with its name for messages.
    pub(crate) fn buffer(&self, size: u64, label: &str) -> Result<Buffer<'_>> {
        let label = c_text(label)?;
        let options = avx_buffer_options {
            struct_size: size_of::<avx_buffer_options>() as u32,
            memory: AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED,
            size,
            alignment: 0,
            label: label.as_ptr(),
        };
        let mut buffer = null_mut();
        // SAFETY: the options and the text in them outlive the call, and `buffer` is writable.
        check(unsafe { avx_buffer_create(self.0, &options, &mut buffer) })?;
        Ok(Buffer { handle: buffer, _device: self })
    }

    /// Waits for all that was queued.
    pub(crate) fn synchronize(&self) -> Result<()> {
        check(avx_device_synchronize(self.0, AVX_FOREVER))
    }

    /// An event.
    pub(crate) fn event(&self) -> Result<Event<'_>> {
        let mut event = null_mut();
        // SAFETY: `event` is writable.
        check(unsafe { avx_event_create(self.0, null(), &mut event) })?;
        Ok(Event { handle: event, _device: self })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Nothing can be done about a device that does not close.
        let _ = avx_destroy(self.0);
    }
}

/// A kernel of a device.
pub(crate) struct Kernel<'a> {
    handle: avx_kernel,
    _device: &'a Device,
}

impl Kernel<'_> {
    /// What it takes, in the order of a dispatch's arguments.
    pub(crate) fn args(&self) -> Result<Vec<OfflineArg>> {
        // SAFETY: a struct of numbers and arrays of numbers, for which zero is valid.
        let mut properties: avx_kernel_properties = unsafe { std::mem::zeroed() };
        properties.struct_size = size_of::<avx_kernel_properties>() as u32;
        // SAFETY: the struct is writable in the size that it names.
        check(unsafe { avx_kernel_info(self.handle, &mut properties) })?;
        (0..properties.arg_count).map(|index| self.arg(index)).collect()
    }

    fn arg(&self, index: u32) -> Result<OfflineArg> {
        // SAFETY: a struct of numbers and arrays of numbers, for which zero is valid.
        let mut arg: avx_kernel_arg_properties = unsafe { std::mem::zeroed() };
        arg.struct_size = size_of::<avx_kernel_arg_properties>() as u32;
        // SAFETY: the struct is writable in the size that it names.
        check(unsafe { avx_kernel_arg_info(self.handle, index, &mut arg) })?;
        let name = text(&arg.name);
        let (min_size, stride) = (arg.min_size, arg.stride);
        Ok(OfflineArg { kind: arg.kind, group: arg.group, binding: arg.binding, access: arg.access, min_size, stride, name })
    }

    /// Queues the kernel with its arguments, in their order.
    pub(crate) fn dispatch(&self, grid: Grid, values: &[Value<'_>]) -> Result<()> {
        let args: Vec<avx_arg> = values.iter().map(arg_of).collect();
        let (list, count) = (args.as_ptr(), args.len() as u32);
        check(match grid {
            // SAFETY: `list` has `count` arguments, and what they point to is borrowed through the call.
            Grid::Groups([x, y, z]) => unsafe { avx_dispatch(null_mut(), self.handle, x, y, z, list, count) },
            // SAFETY: as above.
            Grid::Threads([x, y, z]) => unsafe { avx_dispatch_threads(null_mut(), self.handle, x, y, z, list, count) },
        })
    }
}

impl Drop for Kernel<'_> {
    fn drop(&mut self) {
        // A handle of ours that lives: freeing it cannot fail.
        let _ = avx_kernel_free(self.handle);
    }
}

/// How much to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grid {
    /// Workgroups.
    Groups([u32; 3]),
    /// Invocations.
    Threads([u64; 3]),
}

/// An argument of a dispatch.
pub(crate) enum Value<'a> {
    /// A whole buffer.
    Buffer(&'a Buffer<'a>),
    /// Bytes for a uniform or push-constant block.
    Bytes(&'a [u8]),
}

fn arg_of(value: &Value<'_>) -> avx_arg {
    let empty = avx_arg {
        kind: AVX_ARG_BUFFER,
        flags: 0,
        group: 0,
        binding: 0,
        buffer: null_mut(),
        bytes: null(),
        offset: 0,
        size: 0,
        slot: 0,
        reserved: 0,
        reserved2: 0,
    };
    match value {
        Value::Buffer(buffer) => avx_arg { buffer: buffer.handle, ..empty },
        Value::Bytes(bytes) => avx_arg { kind: AVX_ARG_BYTES, bytes: bytes.as_ptr().cast(), size: bytes.len() as u64, ..empty },
    }
}

/// A buffer of a device.
pub(crate) struct Buffer<'a> {
    handle: avx_buffer,
    _device: &'a Device,
}

impl Buffer<'_> {
    /// Writes bytes to its start.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        // SAFETY: `bytes` is readable in its length.
        check(unsafe { avx_write(null_mut(), self.handle, 0, bytes.as_ptr().cast(), bytes.len() as u64) })
    }

    /// Reads bytes from its start, after the work that was queued before.
    pub(crate) fn read(&self, bytes: &mut [u8]) -> Result<()> {
        // SAFETY: `bytes` is writable in its length.
        check(unsafe { avx_read(null_mut(), self.handle, 0, bytes.as_mut_ptr().cast(), bytes.len() as u64) })
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        // A handle of ours that lives: freeing it cannot fail.
        let _ = avx_free(self.handle);
    }
}

/// A point of the device's work.
pub(crate) struct Event<'a> {
    handle: avx_event,
    _device: &'a Device,
}

impl Event<'_> {
    /// Marks the end of what was queued until now.
    pub(crate) fn record(&self) -> Result<()> {
        check(avx_event_record(null_mut(), self.handle))
    }

    /// Waits until the device has passed it.
    pub(crate) fn wait(&self) -> Result<()> {
        check(avx_event_wait(self.handle, AVX_FOREVER))
    }

    /// Nanoseconds of the device's time since `start`, which has passed too; none where the device has no clock.
    pub(crate) fn since(&self, start: &Event<'_>) -> Result<Option<u64>> {
        let mut nanoseconds = 0;
        // SAFETY: `nanoseconds` is writable.
        match check(unsafe { avx_event_elapsed(start.handle, self.handle, &mut nanoseconds) }) {
            Ok(()) => Ok(Some(nanoseconds)),
            Err(error) if error.status == AVX_ERROR_UNSUPPORTED => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Event<'_> {
    fn drop(&mut self) {
        // A handle of ours that lives: freeing it cannot fail.
        let _ = avx_event_free(self.handle);
    }
}
