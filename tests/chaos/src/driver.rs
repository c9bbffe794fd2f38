//! The interface between the Vulkan loader and drivers, and the way of a call to the other driver. The interface is described in the
//! Vulkan loader's document LoaderDriverInterface.

use crate::entries::{ENTRIES, Effect, Function, KINDS, Kind, LOST, find};
use crate::plan;
use std::ffi::{CStr, c_char, c_void};
use std::mem::transmute;
use std::ptr::null;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Objects of each kind that exist.
pub(crate) static ALIVE: [AtomicI64; KINDS] = [const { AtomicI64::new(0) }; KINDS];
/// The device that was opened last.
static LAST_DEVICE: AtomicUsize = AtomicUsize::new(0);
/// Held while the other driver takes a submission, because vkDeviceWaitIdle must not run at the same time.
static SUBMITTING: Mutex<()> = Mutex::new(());
/// The other driver's vkGetDeviceProcAddr.
static REAL_DEVICE_PROC: AtomicUsize = AtomicUsize::new(0);

type Lookup = unsafe extern "system" fn(*mut c_void, *const c_char) -> *const c_void;

/// The other driver, which is never closed.
fn library() -> *mut c_void {
    static LIBRARY: OnceLock<usize> = OnceLock::new();
    *LIBRARY.get_or_init(|| {
        let name = std::env::var("CHAOS_DRIVER").expect("CHAOS_DRIVER is set to the library of a Vulkan driver");
        let name = std::ffi::CString::new(name).expect("no NUL in a variable");
        // SAFETY: the name is NUL-terminated; a driver's initialization is sound by its own contract.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!library.is_null(), "the driver {name:?} cannot be opened");
        library as usize
    }) as *mut c_void
}

fn symbol(name: &CStr) -> *mut c_void {
    // SAFETY: the library is open and is never closed.
    unsafe { libc::dlsym(library(), name.as_ptr()) }
}

/// The function to give out for `name` in place of `real`.
fn substitute(name: *const c_char, real: *const c_void) -> *const c_void {
    if real.is_null() {
        return null();
    }
    // SAFETY: the loader and programs ask for functions by NUL-terminated names.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    if name == b"vkGetDeviceProcAddr" {
        REAL_DEVICE_PROC.store(real as usize, Ordering::Release);
        return device_proc as *const c_void;
    }
    match find(name) {
        Some((_, entry)) => {
            entry.real.store(real as usize, Ordering::Release);
            entry.function as *const c_void
        }
        None => real,
    }
}

unsafe extern "system" fn device_proc(device: *mut c_void, name: *const c_char) -> *const c_void {
    let real = REAL_DEVICE_PROC.load(Ordering::Acquire);
    // SAFETY: `substitute` stored the other driver's function of this type before it gave this one out.
    let real = unsafe { transmute::<usize, Lookup>(real)(device, name) };
    substitute(name, real)
}

/// Looks a function up by the other driver's exported function `by`.
unsafe fn look_up(by: &CStr, instance: *mut c_void, name: *const c_char) -> *const c_void {
    let lookup = symbol(by);
    if lookup.is_null() {
        return null();
    }
    // SAFETY: the interface says that a function of this name has this type.
    let real = unsafe { transmute::<*mut c_void, Lookup>(lookup)(instance, name) };
    substitute(name, real)
}

/// The loader's way to every function.
///
/// # Safety
/// As the loader's interface says: `name` is NUL-terminated, `instance` is NULL or an instance of this driver.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn vk_icdGetInstanceProcAddr(instance: *mut c_void, name: *const c_char) -> *const c_void {
    // SAFETY: by this function's contract.
    unsafe { look_up(c"vk_icdGetInstanceProcAddr", instance, name) }
}

/// The loader's way to functions of physical devices that it does not know.
///
/// # Safety
/// As `vk_icdGetInstanceProcAddr`.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn vk_icdGetPhysicalDeviceProcAddr(instance: *mut c_void, name: *const c_char) -> *const c_void {
    // SAFETY: by this function's contract.
    unsafe { look_up(c"vk_icdGetPhysicalDeviceProcAddr", instance, name) }
}

/// Agrees with the loader on a version of their interface.
///
/// # Safety
/// `version` points at the loader's version.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn vk_icdNegotiateLoaderICDInterfaceVersion(version: *mut u32) -> i32 {
    let negotiate = symbol(c"vk_icdNegotiateLoaderICDInterfaceVersion");
    if negotiate.is_null() {
        return 0;
    }
    // SAFETY: the interface says that a function of this name has this type.
    unsafe { transmute::<*mut c_void, unsafe extern "system" fn(*mut u32) -> i32>(negotiate)(version) }
}

/// Calls the other driver's function.
unsafe fn real(entry: usize, w: [usize; 8]) -> usize {
    let real = ENTRIES[entry].real.load(Ordering::Acquire);
    // SAFETY: the address is that of a Vulkan function that takes machine words; see the crate.
    unsafe { transmute::<usize, Function>(real)(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]) }
}

/// Lets a call fail, or passes it on and counts what it made.
///
/// # Safety
/// The words are what the entry point takes.
pub(crate) unsafe fn forward(entry: usize, w: [usize; 8]) -> usize {
    ENTRIES[entry].calls.fetch_add(1, Ordering::Relaxed);
    match plan::code_for(entry) {
        // SAFETY: by this function's contract.
        Some(code) => unsafe { fail(entry, w, code) },
        // SAFETY: by this function's contract.
        None => unsafe { pass_on(entry, w) },
    }
}

unsafe fn pass_on(entry: usize, w: [usize; 8]) -> usize {
    let submits = matches!(ENTRIES[entry].name, "vkQueueSubmit" | "vkQueueWaitIdle" | "vkDeviceWaitIdle");
    let _submitting = submits.then(|| SUBMITTING.lock().unwrap_or_else(PoisonError::into_inner));
    // SAFETY: by the contract of `forward`.
    let result = unsafe { real(entry, w) };
    let is_success = result as u32 as i32 >= 0;
    match ENTRIES[entry].effect {
        Effect::Nothing => {}
        Effect::Makes(kind) => {
            if is_success {
                ALIVE[kind as usize].fetch_add(1, Ordering::Relaxed);
            }
            if ENTRIES[entry].name == "vkCreateDevice" && is_success {
                // SAFETY: the last parameter of vkCreateDevice points at the handle that the driver has written.
                LAST_DEVICE.store(unsafe { *(w[3] as *const usize) }, Ordering::Release);
            }
        }
        Effect::MakesSeveral(kind, count, handles) => {
            // SAFETY: the parameter points at as many handles, which the driver has written, null where it made nothing.
            let handles = unsafe { std::slice::from_raw_parts(w[handles] as *const u64, w[count] as u32 as usize) };
            let made = handles.iter().filter(|handle| **handle != 0).count();
            ALIVE[kind as usize].fetch_add(made as i64, Ordering::Relaxed);
        }
        Effect::Destroys(kind, handle) => {
            if w[handle] != 0 {
                ALIVE[kind as usize].fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
    result
}

/// A failed call: the other driver does not get it, and the outputs are what Vulkan says.
unsafe fn fail(entry: usize, w: [usize; 8], code: i32) -> usize {
    if code == LOST {
        // The work of a lost device counts as done, so the program may destroy what the work uses. Here it really must be done.
        let _submitting = SUBMITTING.lock().unwrap_or_else(PoisonError::into_inner);
        let device = LAST_DEVICE.load(Ordering::Acquire);
        if let Some((idle, entry)) = find(b"vkDeviceWaitIdle")
            && entry.real.load(Ordering::Acquire) != 0
            && ALIVE[Kind::Device as usize].load(Ordering::Relaxed) > 0
        {
            // SAFETY: the device is open (tests have one at a time), and no submission runs.
            unsafe { real(idle, [device, 0, 0, 0, 0, 0, 0, 0]) };
        }
    }
    if let Effect::MakesSeveral(_, count, handles) = ENTRIES[entry].effect {
        // SAFETY: the parameter points at room for as many handles.
        unsafe { std::slice::from_raw_parts_mut(w[handles] as *mut u64, w[count] as u32 as usize) }.fill(0);
    }
    // The Vulkan loader 1.3.239 uses the number although the call has failed.
    let count = match ENTRIES[entry].name {
        "vkEnumeratePhysicalDevices" => w[1],
        "vkEnumerateDeviceExtensionProperties" => w[2],
        _ => 0,
    };
    if count != 0 {
        // SAFETY: this parameter of the functions points at a number.
        unsafe { *(count as *mut u32) = 0 };
    }
    code as u32 as usize
}
