//! Whether this process is the child of a fork. GPU drivers do not survive a fork, and neither do the library's threads.

use once_cell::sync::OnceCell;

/// Starts to watch for forks, once for the process; later calls do nothing. If the system has no memory for it, the next call tries
/// again.
pub(crate) fn watch_forks() {
    static WATCHING: OnceCell<()> = OnceCell::new();
    let _ = WATCHING.get_or_try_init(handler::install);
}

#[cfg(unix)]
mod handler {
    use crate::sys::process;
    use std::io;

    /// Runs in the child, where only what is safe in a signal handler is allowed: a store to an atomic is.
    unsafe extern "C" fn in_child() {
        process::set(process::FORKED);
    }

    pub(super) fn install() -> io::Result<()> {
        // SAFETY: `in_child` is a function of this library, which is never unloaded (it is linked with -z nodelete); NULL is no handler.
        match unsafe { libc::pthread_atfork(None, None, Some(in_child)) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

#[cfg(not(unix))]
mod handler {
    /// There is no fork here.
    pub(super) fn install() -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::sys::process::forked;

    #[test]
    fn a_forked_child_sees_that_it_is_one() {
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
