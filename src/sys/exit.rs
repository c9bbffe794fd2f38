//! The end of the process: an exit handler that runs before those of the driver.
//!
//! Drivers and the libraries that they use tear themselves down in exit handlers and in destructors of static objects. On NVIDIA's driver,
//! each call that another thread makes meanwhile, or that a later handler makes, is a crash. The C library runs handlers in the
//! reverse order of their registration. So the library registers a handler of its own after each step at which a driver registers some: the
//! creation of the instance and of a device, the first pipeline, and the first submissions that a device has done. A driver that registers
//! one on a thread of its own, while it works on the first submissions, is still ahead if the process ends in these milliseconds: lavapipe
//! compiles at that time.
//!
//! The first of these handlers that runs lets no more call in, and waits for the calls inside and for the work in flight. The wait is
//! bounded, because `exit` must not take as long as a kernel that never ends. After it no call touches the driver.
//!
//! In the child of a fork the handler does nothing. `_exit` and `quick_exit` run no handler, of drivers neither.

use super::{calls, process};
use once_cell::sync::OnceCell;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the process's end waits, for calls and for the device together.
const LIMIT: Duration = Duration::from_secs(2);

/// What a driver may have registered exit handlers in. A device's step has a number that tells the drivers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DriverStep {
    /// An instance was created, with the validation layer or without.
    Instance { validating: bool },
    /// A device was opened.
    Device(u64),
    /// A pipeline was made.
    Pipeline(u64),
    /// Work was done, up to this submission.
    Work(u64, u64),
}

/// The steps after which a handler was registered.
static STEPS: Mutex<Vec<DriverStep>> = Mutex::new(Vec::new());
/// Waits, until the given time, for the work in flight.
static WAIT_FOR_WORK: OnceCell<fn(Instant)> = OnceCell::new();

/// Has the exit handler call `wait`, once no call is inside. Later calls of this change nothing.
pub(crate) fn at_exit_wait_for_work(wait: fn(Instant)) {
    let _ = WAIT_FOR_WORK.set(wait);
}

/// Registers the exit handler anew, if this step is the first of its kind.
pub(crate) fn exit_before(step: DriverStep) {
    let mut steps = STEPS.lock().unwrap_or_else(PoisonError::into_inner);
    if !steps.contains(&step) && handler::register() {
        steps.push(step);
    }
}

/// Ends the library's part of the process. Only the first call does something.
fn end() {
    if process::forked() || process::set(process::ENDING) & process::ENDING != 0 {
        return;
    }
    let deadline = Instant::now() + LIMIT;
    if calls::wait_for_others(deadline)
        && let Some(wait_for_work) = WAIT_FOR_WORK.get()
    {
        wait_for_work(deadline);
    }
    process::set(process::ENDED);
}

/// Ends the process if it has come so far that the driver may be gone. A call that was inside when the exit handler gave up on it is left
/// alone.
#[cfg(debug_assertions)]
#[track_caller]
pub(crate) fn check_driver_is_there() {
    if process::has_ended() && !calls::is_inside() {
        eprintln!("avx_gpu: a call of the driver after the exit handler, from {}", std::panic::Location::caller());
        std::process::abort();
    }
}

/// Release builds do not check.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn check_driver_is_there() {}

#[cfg(unix)]
mod handler {
    extern "C" fn at_exit() {
        super::end();
    }

    /// Registers the handler; false if the system has no memory for it. In a shared library the C library ties it to the library, which is
    /// never unloaded (it is linked with -z nodelete). In a module that has the library inside and is unloaded, it runs at that time, as it
    /// must, because its code goes away.
    pub(super) fn register() -> bool {
        // SAFETY: the handler is a function without arguments that does not unwind.
        unsafe { libc::atexit(at_exit) == 0 }
    }
}

#[cfg(not(unix))]
mod handler {
    /// This system ends all other threads before any handler runs. The mark is for calls of later handlers.
    pub(super) fn register() -> bool {
        let _ = super::end;
        true
    }
}
