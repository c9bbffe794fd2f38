//! Threads that end, and devices that are destroyed: never at the same time.
//!
//! A driver keeps data for each thread that has called it and lets it go in a destructor of the thread library's as the thread ends. In
//! NVIDIA's driver 580 that destructor holds the lock over its list of threads while it wants one that vkDestroyDevice holds, and
//! vkDestroyDevice waits, holding it, for a thread of the driver's own to end, which wants the list: three threads that wait for each other
//! for ever, and whoever calls the driver next behind them (seen with backtraces on an H100, in 2 of 9 runs of sixteen threads that opened,
//! used and closed devices). Who ends a thread is the program's business, so the library watches for it: every thread that enters it leaves
//! a mark, whose end comes before the drivers' destructors, and a second one, whose end comes after.
//!
//! Both waits are bounded: a thread that began to end and never does (the main thread runs its destructors in exit and then goes on) must
//! hold up nobody for long.

use super::host;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a device that is to be destroyed waits for threads that end: their destructors take microseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a thread that ends waits for a device to be destroyed, which takes a tenth of a second.
const LONG_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct State {
    /// Threads between their first mark's end and their second's.
    leaving: u32,
    destroying: bool,
}

static STATE: Mutex<State> = Mutex::new(State { leaving: 0, destroying: false });
static CHANGED: Condvar = Condvar::new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits while `busy`, so long at most.
fn wait_while(state: MutexGuard<'static, State>, patience: Duration, busy: impl Fn(&State) -> bool) -> MutexGuard<'static, State> {
    let deadline = Instant::now() + patience;
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

/// The first mark: dropped before the thread library's destructors run.
struct Visitor;

impl Drop for Visitor {
    fn drop(&mut self) {
        // The child of a fork has no other thread, and perhaps their locks.
        if !host::forked() && second_mark::set() {
            wait_while(state(), LONG_PATIENCE, |state| state.destroying).leaving += 1;
        }
    }
}

/// Has this thread watched: to be called before it calls a driver.
#[inline]
pub(crate) fn visit() {
    thread_local! {
        static VISITOR: Visitor = const { Visitor };
    }
    // A thread that is in its destructors already is past watching.
    let _ = VISITOR.try_with(|_| ());
}

/// No thread that has visited ends while this is there.
pub(super) struct Alone(());

impl Alone {
    /// For one caller at a time: under `creation_turn`.
    pub(super) fn new() -> Alone {
        let mut state = state();
        state.destroying = true;
        // A destructor of this thread itself may be what destroys the device.
        let own = u32::from(second_mark::is_set());
        drop(wait_while(state, PATIENCE, |state| state.leaving > own));
        Alone(())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        state().destroying = false;
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

    /// Destructors run in rounds (POSIX: four at least) while values are set: in the second, those of all other keys have run once.
    unsafe extern "C" fn end(value: *mut c_void) {
        if value.cast_const() == FIRST_ROUND
            && let Some(key) = KEY.get()
            // SAFETY: the key was made and is never deleted.
            && unsafe { libc::pthread_setspecific(*key, SECOND_ROUND) } == 0
        {
            return;
        }
        let mut state = state();
        state.leaving = state.leaving.saturating_sub(1);
        drop(state);
        CHANGED.notify_all();
    }

    /// Sets the mark for this thread; false where there is none to have.
    pub(super) fn set() -> bool {
        let made = KEY.get_or_try_init(|| {
            let mut key = 0;
            // SAFETY: the pointer is to a local; `end` is of this library, which is never unloaded (it is linked with -z nodelete).
            if unsafe { libc::pthread_key_create(&mut key, Some(end)) } == 0 { Ok(key) } else { Err(()) }
        });
        // SAFETY: the key was made and is never deleted.
        made.is_ok_and(|key| unsafe { libc::pthread_setspecific(*key, FIRST_ROUND) } == 0)
    }

    /// Whether this thread has it.
    pub(super) fn is_set() -> bool {
        // SAFETY: the key was made and is never deleted.
        KEY.get().is_some_and(|key| unsafe { !libc::pthread_getspecific(*key).is_null() })
    }
}

#[cfg(not(unix))]
mod second_mark {
    /// There is none.
    pub(super) fn set() -> bool {
        false
    }

    pub(super) fn is_set() -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::instance::creation_turn;
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn no_thread_ends_beside_a_destruction() {
        let _turn = creation_turn();
        let ended = Arc::new(AtomicBool::new(false));
        let alone = Alone::new();
        let thread = std::thread::spawn(visit);
        let watch = {
            let ended = ended.clone();
            std::thread::spawn(move || {
                thread.join().unwrap();
                ended.store(true, Ordering::Release);
            })
        };
        std::thread::sleep(Duration::from_millis(100));
        assert!(!ended.load(Ordering::Acquire), "a thread that has visited ends only after it");
        drop(alone);
        watch.join().unwrap();
        // The second marks have gone, too: this does not wait.
        let before = Instant::now();
        drop(Alone::new());
        assert!(before.elapsed() < PATIENCE);
    }

    #[test]
    fn threads_that_never_visit_are_not_watched() {
        let _turn = creation_turn();
        let alone = Alone::new();
        std::thread::spawn(|| ()).join().unwrap();
        drop(alone);
    }
}
