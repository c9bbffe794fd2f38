//! What the library needs of the operating system beyond the standard library: threads that take no signals, and to know that the
//! process is a fork. The rest of the house is portable because this is here.

use super::departure::visit;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

/// Starts a thread that takes no signals, so that the program's handlers never run on it. `name` is at most 15 bytes on Linux, cut
/// there; `stack_bytes` None: the platform's default.
///
/// Errors: what starting a thread gives, and an invalid input for a name with a NUL.
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
    let _blocked = signals::Blocked::all();
    builder.spawn(|| {
        visit();
        f()
    })
}

/// Set in the child of a fork.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Starts to watch for forks, once for the process; later calls do nothing. Without the memory for it, the next call tries again.
pub(crate) fn watch_forks() {
    static WATCHING: once_cell::sync::OnceCell<()> = once_cell::sync::OnceCell::new();
    let _ = WATCHING.get_or_try_init(forks::watch);
}

/// Whether the process was forked after `watch_forks`, so that the library's threads and the driver's are not in it.
pub(crate) fn forked() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// CLOCK_MONOTONIC in nanoseconds; `None` where there is none.
pub(crate) fn monotonic_nanoseconds() -> Option<u64> {
    #[cfg(unix)]
    {
        let mut time = std::mem::MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: the pointer is to a local of the right type, which the call fills if it gives 0.
        let time = unsafe {
            if libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) != 0 {
                return None;
            }
            time.assume_init()
        };
        Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }
    #[cfg(not(unix))]
    None
}

#[cfg(unix)]
mod forks {
    use super::{FORKED, Ordering, io};

    /// Runs in the child, where only what is safe in a signal handler is allowed: a store is.
    unsafe extern "C" fn in_child() {
        FORKED.store(true, Ordering::Relaxed);
    }

    pub(super) fn watch() -> io::Result<()> {
        // SAFETY: `in_child` is a function of this library, which is never unloaded (it is linked with -z nodelete); NULL is no handler.
        match unsafe { libc::pthread_atfork(None, None, Some(in_child)) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

#[cfg(not(unix))]
mod forks {
    /// There is no fork here.
    pub(super) fn watch() -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
mod signals {
    use std::marker::PhantomData;
    use std::mem::MaybeUninit;

    /// All signals blocked on this thread until dropped. A thread that is started meanwhile inherits that, and keeps it.
    pub(super) struct Blocked {
        /// What was blocked before; None if that could not be changed.
        before: Option<libc::sigset_t>,
        /// The mask is this thread's: the value stays here.
        _here: PhantomData<*const ()>,
    }

    impl Blocked {
        pub(super) fn all() -> Blocked {
            let mut all = MaybeUninit::<libc::sigset_t>::uninit();
            let mut before = MaybeUninit::<libc::sigset_t>::uninit();
            // SAFETY: sigfillset fills `all` and cannot fail for a valid pointer; pthread_sigmask reads it and writes `before`; both are
            // locals of the right type.
            let changed = unsafe {
                libc::sigfillset(all.as_mut_ptr());
                libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0
            };
            // SAFETY: pthread_sigmask filled `before`, as it gave 0.
            let before = changed.then(|| unsafe { before.assume_init() });
            Blocked { before, _here: PhantomData }
        }
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            if let Some(before) = &self.before {
                // SAFETY: `before` is the mask that pthread_sigmask gave on this thread; NULL asks for no answer.
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
        pub(super) fn all() -> Blocked {
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
    fn threads_take_no_signals_and_the_spawner_still_does() {
        // All but KILL and STOP, which cannot be blocked, and those that the C library keeps for itself.
        let all = !(1u64 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1) | 0b111 << 31);
        let before = blocked();
        assert_eq!(spawn("test-signals", None, blocked).unwrap().join().unwrap() & all, all);
        assert_eq!(blocked(), before);
    }

    #[test]
    fn what_cannot_start_is_told() {
        assert!(spawn("test-huge", Some(usize::MAX / 4), || ()).is_err());
        assert_eq!(spawn("a\0b", None, || ()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[cfg(unix)]
    #[test]
    fn a_fork_knows_that_it_is_one() {
        watch_forks();
        watch_forks();
        assert!(!forked());
        // SAFETY: the child only reads an atomic and leaves by _exit, both of which are safe after a fork of a threaded process.
        let status = unsafe {
            match libc::fork() {
                0 => libc::_exit(if forked() { 7 } else { 8 }),
                child => {
                    assert!(child > 0);
                    let mut status = 0;
                    assert_eq!(libc::waitpid(child, &mut status, 0), child);
                    status
                }
            }
        };
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "{status:#x}");
        assert!(!forked());
    }
}
