//! Keeps the end of a thread and the destruction of a device apart, so that they never happen at the same time.
//!
//! A driver keeps data for each thread that has called it, and frees the data in a destructor of the thread library when the thread
//! ends. In NVIDIA's driver 580 three threads then wait for each other for ever:
//!
//! 1. The thread that ends runs the driver's destructor. The destructor holds the lock over the driver's list of threads and wants a lock
//!    that vkDestroyDevice holds.
//! 2. vkDestroyDevice holds that lock and waits for a thread of the driver's own to end.
//! 3. The driver's own thread wants the lock over the list of threads in order to end.
//!
//! Every other thread that calls the driver then waits behind them. (Seen with backtraces on an H100, in 2 of 9 runs of sixteen threads
//! that opened, used and closed devices.)
//!
//! The program decides when a thread ends, so the library has to notice it. Every thread that enters the library gets two marks. The
//! destructor of the first mark runs before those of the drivers, and the destructor of the second one runs after them. A device is
//! destroyed only while no thread is between its two marks.
//!
//! Both waits are bounded. The main thread runs its destructors in `exit` and may go on for long after that; such a thread, which has begun
//! to end and never does, must not delay other threads for long.

use super::process::forked;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the destruction of a device waits for threads that are ending. Their destructors take microseconds.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a thread that ends waits for the destruction of a device, which takes a tenth of a second.
const DESTROY_TIMEOUT: Duration = Duration::from_secs(10);

struct State {
    /// Threads between the end of their first mark and the end of their second one.
    ending: u32,
    /// Guards that exist: devices that are being destroyed.
    destroying: u32,
}

static STATE: Mutex<State> = Mutex::new(State { ending: 0, destroying: 0 });
static CHANGED: Condvar = Condvar::new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits while `busy` holds, for at most `timeout`.
fn wait_while(state: MutexGuard<'static, State>, timeout: Duration, busy: impl Fn(&State) -> bool) -> MutexGuard<'static, State> {
    let deadline = Instant::now() + timeout;
    let mut state = state;
    while busy(&state) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        state = CHANGED.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    state
}

/// The first mark of a thread. It is dropped before the destructors of the thread library run.
struct ThreadMark;

impl Drop for ThreadMark {
    fn drop(&mut self) {
        // The child of a fork has no other threads, but may have the locks that they held.
        if !forked() && second_mark::set() {
            wait_while(state(), DESTROY_TIMEOUT, |state| state.destroying > 0).ending += 1;
        }
    }
}

/// Gives this thread its first mark. A thread must call this before it calls a driver: the C ABI does so at every entry, `spawn` for
/// the library's own threads, and the functions of `vulkan` that load a driver and open a device for those that call them directly.
#[inline]
pub(crate) fn register_thread() {
    thread_local! {
        static MARK: ThreadMark = const { ThreadMark };
    }
    // A thread whose destructors are running already cannot be marked any more.
    let _ = MARK.try_with(|_| ());
}

/// No registered thread ends while this exists.
pub(crate) struct DestroyGuard(());

impl DestroyGuard {
    /// Waits until no registered thread is ending.
    pub(crate) fn new() -> DestroyGuard {
        let mut state = state();
        state.destroying += 1;
        // A destructor of this very thread may be what destroys the device; its own mark does not count.
        let own = u32::from(second_mark::is_set());
        drop(wait_while(state, EXIT_TIMEOUT, |state| state.ending > own));
        DestroyGuard(())
    }
}

impl Drop for DestroyGuard {
    fn drop(&mut self) {
        state().destroying -= 1;
        CHANGED.notify_all();
    }
}

#[cfg(unix)]
mod second_mark {
    use super::{CHANGED, state};
    use once_cell::sync::OnceCell;
    use std::ffi::c_void;
    use std::ptr::without_provenance;

    static KEY: OnceCell<libc::pthread_key_t> = OnceCell::new();
    const FIRST_ROUND: *const c_void = without_provenance(1);
    const SECOND_ROUND: *const c_void = without_provenance(2);

    /// The destructor of the second mark. The thread library runs destructors in rounds (POSIX: at least four) as long as values are set.
    /// In the second round, the destructors of all other keys have run once.
    unsafe extern "C" fn end(value: *mut c_void) {
        if value.cast_const() == FIRST_ROUND
            && let Some(key) = KEY.get()
            // SAFETY: the key was created and is never deleted.
            && unsafe { libc::pthread_setspecific(*key, SECOND_ROUND) } == 0
        {
            return;
        }
        let mut state = state();
        state.ending = state.ending.saturating_sub(1);
        drop(state);
        CHANGED.notify_all();
    }

    /// Sets the second mark of this thread; false if the system has no key for it.
    pub(super) fn set() -> bool {
        let made = KEY.get_or_try_init(|| {
            let mut key = 0;
            // SAFETY: the pointer is to a local; `end` is of this library, which is never unloaded (it is linked with -z nodelete).
            if unsafe { libc::pthread_key_create(&mut key, Some(end)) } == 0 { Ok(key) } else { Err(()) }
        });
        // SAFETY: the key was created and is never deleted.
        made.is_ok_and(|key| unsafe { libc::pthread_setspecific(*key, FIRST_ROUND) } == 0)
    }

    /// Whether this thread has its second mark.
    pub(super) fn is_set() -> bool {
        // SAFETY: the key was created and is never deleted.
        KEY.get().is_some_and(|key| unsafe { !libc::pthread_getspecific(*key).is_null() })
    }
}

#[cfg(not(unix))]
mod second_mark {
    /// There is no second mark on this system.
    pub(super) fn set() -> bool {
        false
    }

    pub(super) fn is_set() -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Starts a registered thread that ends at once; the flag is set when it has ended.
    fn start_one() -> (Arc<AtomicBool>, std::thread::JoinHandle<()>) {
        let ended = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn(register_thread);
        let flag = ended.clone();
        let watch = std::thread::spawn(move || {
            thread.join().unwrap();
            flag.store(true, Ordering::Release);
        });
        (ended, watch)
    }

    #[test]
    fn no_registered_thread_ends_while_a_device_is_destroyed() {
        let (first, second) = (DestroyGuard::new(), DestroyGuard::new());
        let (ended, watch) = start_one();
        std::thread::sleep(Duration::from_millis(100));
        assert!(!ended.load(Ordering::Acquire), "a registered thread ended beside two guards");
        drop(first);
        std::thread::sleep(Duration::from_millis(100));
        assert!(!ended.load(Ordering::Acquire), "a registered thread ended beside one guard");
        drop(second);
        watch.join().unwrap();
        // The second mark is gone too, so that this does not wait for its timeout.
        let before = Instant::now();
        drop(DestroyGuard::new());
        assert!(before.elapsed() < EXIT_TIMEOUT);
    }

    #[test]
    fn threads_that_never_register_are_not_delayed() {
        let guard = DestroyGuard::new();
        std::thread::spawn(|| ()).join().unwrap();
        drop(guard);
    }
}
