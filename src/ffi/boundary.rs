//! The one way in and out: no panic leaves the library, every status has its message, and pointers become slices here.

use super::status::{AVX_ERROR_EXITING, AVX_OK, avx_status, name_of};
use crate::runtime::api::device;
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle;
use crate::runtime::base::{log, trace};
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
    /// Where and why the last panic on this thread was, if it happened inside a call.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs the body of an exported function. The thread cannot be cancelled meanwhile, and its floating-point mode is the default one.
pub(super) fn call(function: &'static str, body: impl FnOnce() -> Result<()>) -> avx_status {
    let _default = device::DefaultThreadState::enter();
    call_dispatch(function, body)
}

/// As [`call`], for a dispatch, whose fast path neither waits nor runs code of the driver that depends on the thread's state. What does takes
/// the default state itself.
pub(super) fn call_dispatch(function: &'static str, body: impl FnOnce() -> Result<()>) -> avx_status {
    begin();
    let span = if log::in_callback() { None } else { trace::span(function) };
    let outcome = if log::in_callback() {
        let message =
            "not inside a log callback, which may call avx_version, avx_status_name, avx_last_error and avx_last_error_copy alone";
        Err(Error::new(Status::InCallback, message))
    } else if let Some(inside) = device::enter() {
        let outcome = catch_unwind(AssertUnwindSafe(body));
        drop(inside);
        outcome.unwrap_or_else(|panic| {
            // Dropping a payload may panic in turn; it is text, in practice.
            std::mem::forget(panic);
            let message = PANIC.try_with(RefCell::take).unwrap_or_default();
            Err(Error::new(Status::Internal, format!("a bug in the library, please report it: {message}")))
        })
    } else {
        Err(process_is_gone())
    };
    let status = match outcome {
        Ok(()) => AVX_OK,
        Err(e) => {
            // Every wait ends early when the process does, and its call knows of its deadline alone.
            let e = if device::is_ending() { process_is_gone() } else { e };
            let status = e.status as avx_status;
            // "Not yet" is no failure: what the last one was about stays.
            if status < AVX_OK {
                remember(function, e);
            }
            status
        }
    };
    if !device::is_alive() {
        // The trace is the parent's, or is over. What a log callback uses may be gone at the end of a process.
        std::mem::forget(span);
    } else if !log::in_callback() {
        drop(span);
        log::deliver();
    }
    status
}

/// As [`call`], for a function that frees. When the process is ending, nothing is left to free.
pub(super) fn free(function: &'static str, body: impl FnOnce() -> Result<()>) -> avx_status {
    match call(function, body) {
        AVX_ERROR_EXITING => AVX_OK,
        status => status,
    }
}

/// Why no call comes in any more.
#[cold]
fn process_is_gone() -> Error {
    if device::forked() {
        let message = "this process was forked after the library was used, and GPU drivers do not survive that; use the library in the \
                       parent, or after exec";
        return Error::new(Status::Forked, message);
    }
    let message = "the process is ending (exit was called or main has returned), and drivers tear themselves down; end the threads that \
                   use the library before";
    Error::new(Status::Exiting, message)
}

/// Once: the panic hook and the environment. Panics inside a call are told in its error and not printed; others are left alone.
fn begin() {
    static BEGIN: Once = Once::new();
    BEGIN.call_once(|| {
        log::read_environment();
        let outer = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let quiet = device::is_inside() || std::thread::current().name().is_some_and(|name| name.starts_with("avx_gpu "));
            if quiet {
                let _ = PANIC.try_with(|message| *message.borrow_mut() = info.to_string());
            } else {
                outer(info);
            }
        }));
    });
}

fn remember(function: &str, e: Error) {
    let text = format!("{function}: {}: {}", name_of(e.status), e.message);
    let text = CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default();
    if log::enabled(log::Level::Debug) && device::is_alive() {
        log::line(log::Level::Debug, text.to_string_lossy());
    }
    // A thread that is ending, in a destructor of the caller's, has no place for it any more.
    drop(LAST_ERROR.try_with(|last| last.replace(text)));
}

/// See avx_last_error.
pub(super) fn last_error_pointer() -> *const c_char {
    LAST_ERROR.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// See avx_last_error_copy.
///
/// # Safety
/// `buffer` holds `capacity` bytes; `length` is NULL or writable.
pub(super) unsafe fn last_error_copy(buffer: *mut c_char, capacity: u64, length: *mut u64) -> avx_status {
    let last = LAST_ERROR.try_with(|last| last.borrow().clone()).unwrap_or_default();
    // SAFETY: as the caller promises.
    match unsafe { copy_text(last.to_str().unwrap_or_default(), buffer, capacity, length) } {
        Ok(()) => AVX_OK,
        Err(e) => e.status as avx_status,
    }
}

/// Copies a text, cut at a character's boundary to fit, with a NUL behind it. `length` gets the bytes of the whole text.
///
/// # Safety
/// `buffer` holds `capacity` bytes; `length` is NULL or writable.
pub(super) unsafe fn copy_text(text: &str, buffer: *mut c_char, capacity: u64, length: *mut u64) -> Result<()> {
    if buffer.is_null() && capacity > 0 {
        return Err(invalid(format!("buffer is NULL and capacity is {capacity}")));
    }
    if capacity > 0 {
        let room = usize::try_from(capacity - 1).unwrap_or(usize::MAX).min(text.len());
        let cut = text.floor_char_boundary(room);
        // SAFETY: cut + 1 <= capacity bytes, which the caller promises at `buffer`.
        unsafe {
            buffer.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), cut);
            buffer.add(cut).write(0);
        }
    }
    if !length.is_null() {
        // SAFETY: not NULL, so writable, says the caller.
        unsafe { length.write_unaligned(text.len() as u64) };
    }
    Ok(())
}

/// A handle type of the header and the token that it carries.
pub(super) trait Token: Copy {
    fn token(self) -> handle::Token;
    fn from_token(token: handle::Token) -> Self;
}

impl<T> Token for *mut T {
    fn token(self) -> handle::Token {
        handle::Token(self.addr() as u64)
    }

    fn from_token(token: handle::Token) -> Self {
        std::ptr::without_provenance_mut(token.0 as usize)
    }
}

/// An output, called `name` in the header.
///
/// # Safety
/// `pointer` is NULL or points to a `T` that can be written for the length of the call.
pub(super) unsafe fn out<'a, T>(pointer: *mut T, name: &str) -> Result<Out<'a, T>> {
    if pointer.is_null() {
        return Err(null(name));
    }
    Ok(Out { pointer, _life: std::marker::PhantomData })
}

/// A place to write an output to, aligned or not, initialized or not.
pub(super) struct Out<'a, T> {
    pointer: *mut T,
    _life: std::marker::PhantomData<&'a mut T>,
}

impl<T> Out<'_, T> {
    pub(super) fn set(self, value: T) {
        // SAFETY: `out` was promised that the pointer is writable for the length of the call, which this does not outlive.
        unsafe { self.pointer.write_unaligned(value) };
    }
}

/// `size` bytes to read at `pointer`, called `name` in the header; none are looked at if `size` is 0.
///
/// # Safety
/// `pointer` holds `size` readable bytes that nobody changes during the call.
pub(super) unsafe fn bytes<'a>(pointer: *const c_void, size: u64, name: &str) -> Result<&'a [u8]> {
    if size == 0 {
        return Ok(&[]);
    }
    let size = checked_size(pointer, size, name)?;
    // SAFETY: not NULL, at most isize::MAX bytes, and readable, says the caller.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), size) })
}

/// `size` bytes to write at `pointer`, as [`bytes`].
///
/// # Safety
/// `pointer` holds `size` writable bytes that nobody else touches during the call.
pub(super) unsafe fn bytes_out<'a>(pointer: *mut c_void, size: u64, name: &str) -> Result<&'a mut [MaybeUninit<u8>]> {
    if size == 0 {
        return Ok(&mut []);
    }
    let size = checked_size(pointer, size, name)?;
    // SAFETY: not NULL, at most isize::MAX bytes, and writable, says the caller.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer.cast(), size) })
}

fn checked_size(pointer: *const c_void, size: u64, name: &str) -> Result<usize> {
    if pointer.is_null() {
        return Err(null(name));
    }
    match usize::try_from(size) {
        Ok(bytes) if isize::try_from(bytes).is_ok() => Ok(bytes),
        _ => Err(Error::new(Status::OutOfRange, format!("{size} bytes at {name} are more than an address space has"))),
    }
}

/// The bytes of a NUL-terminated text.
///
/// # Safety
/// `pointer` is NULL or NUL-terminated.
pub(super) unsafe fn text_bytes<'a>(pointer: *const c_char, name: &str) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, so NUL-terminated, says the caller.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// A text that may be left out.
///
/// # Safety
/// `pointer` is NULL or NUL-terminated.
pub(super) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { text_bytes(pointer, name) }?;
    std::str::from_utf8(bytes).map(Some).map_err(|e| invalid(format!("{name} is not UTF-8 (byte {})", e.valid_up_to())))
}

/// The label of options that have no flags yet.
///
/// # Safety
/// `label` is NULL or NUL-terminated, and outlives the result.
pub(super) unsafe fn label<'a>(flags: u32, label: *const c_char) -> Result<Option<&'a str>> {
    if flags != 0 {
        return Err(invalid(format!("options->flags has unknown bits {flags:#x}")));
    }
    // SAFETY: as the caller promises.
    unsafe { text(label, "options->label") }
}

fn null(name: &str) -> Error {
    invalid(format!("{name} is NULL"))
}
