//! Threads of the library. They take no signals, so that the program's signal handlers never run on them.
//!
//! The signals of faults are the exception. The kernel sends them to the thread that made the fault, and a thread that blocks them dies
//! without a call of the handler that the program has for crashes.

use super::thread_exit::register_thread;
use super::thread_state::DefaultThreadState;
use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread that takes no signals but those of its own faults. Linux cuts `name` after 15 bytes. Without `stack_bytes` the stack has the platform's default
/// size.
///
/// Errors: those of starting a thread, and `InvalidInput` for a name that contains a NUL.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    stack_bytes: Option<usize>,
    f: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    // The standard library panics on a NUL in a name.
    if name.contains('\0') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a thread's name has a NUL in it"));
    }
    let builder = Builder::new().name(name.to_owned());
    let builder = match stack_bytes {
        Some(bytes) => builder.stack_size(bytes),
        None => builder,
    };
    let _blocked = signals::Blocked::all_but_faults();
    let _default = DefaultThreadState::enter();
    builder.spawn(|| {
        register_thread();
        f()
    })
}

#[cfg(unix)]
mod signals {
    use std::marker::PhantomData;
    use std::mem::MaybeUninit;

    /// The signals that a thread's own faults raise.
    pub(super) const FAULTS: [libc::c_int; 7] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS];

    /// Blocks all signals but [`FAULTS`] on this thread until it is dropped. A thread that is started meanwhile inherits the blocked signals
    /// and keeps them blocked.
    pub(super) struct Blocked {
        /// The signals that were blocked before; `None` if the mask could not be changed.
        before: Option<libc::sigset_t>,
        /// The mask belongs to this thread, so this value must not move to another one.
        _not_send: PhantomData<*const ()>,
    }

    impl Blocked {
        pub(super) fn all_but_faults() -> Blocked {
            let mut all = MaybeUninit::<libc::sigset_t>::uninit();
            let mut before = MaybeUninit::<libc::sigset_t>::uninit();
            // SAFETY: sigfillset fills `all`, and sigdelset takes signals out that exist; neither can fail for a valid pointer. pthread_sigmask
            // reads `all` and writes `before`; both are locals of the right type.
            let changed = unsafe {
                libc::sigfillset(all.as_mut_ptr());
                for fault in FAULTS {
                    libc::sigdelset(all.as_mut_ptr(), fault);
                }
                libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0
            };
            // SAFETY: pthread_sigmask returned 0, so it filled `before`.
            let before = changed.then(|| unsafe { before.assume_init() });
            Blocked { before, _not_send: PhantomData }
        }
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            if let Some(before) = &self.before {
                // SAFETY: `before` is the mask that pthread_sigmask wrote on this thread; with NULL it writes no old mask.
                unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    /// Threads take no signals here.
    pub(super) struct Blocked;

    impl Blocked {
        pub(super) fn all_but_faults() -> Blocked {
            Blocked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mask of blocked signals of this thread, bit n - 1 for signal n.
    #[cfg(target_os = "linux")]
    fn blocked() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_take_no_signals_but_those_of_faults_and_the_spawner_still_does() {
        // All signals except KILL and STOP, which cannot be blocked, and those that the C library reserves.
        let all = !(1u64 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1) | 0b111 << 31);
        let faults = signals::FAULTS.iter().fold(0, |bits, fault| bits | 1u64 << (fault - 1));
        let before = blocked();
        assert_eq!(spawn("test-signals", None, blocked).unwrap().join().unwrap() & all, all & !faults);
        assert_eq!(blocked(), before);
    }

    #[test]
    fn a_thread_that_cannot_start_is_an_error() {
        assert!(spawn("test-huge", Some(usize::MAX / 4), || ()).is_err());
        assert_eq!(spawn("a\0b", None, || ()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
