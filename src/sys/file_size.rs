//! Writes that may reach the limit on the size of files (RLIMIT_FSIZE). The system sends SIGXFSZ to the thread that reaches it, which ends
//! the program.

/// Runs `write`. A write inside that reaches the limit fails with an error of the kind `FileTooLarge`, and the program gets no signal.
pub(crate) fn without_size_signal<T>(write: impl FnOnce() -> T) -> T {
    let _blocked = signal::Blocked::new();
    write()
}

#[cfg(unix)]
mod signal {
    use std::marker::PhantomData;
    use std::mem::MaybeUninit;

    /// Blocks SIGXFSZ on this thread until it is dropped, and takes the signal that came meanwhile.
    pub(super) struct Blocked {
        /// The signals that were blocked before; `None` if nothing is to be restored.
        before: Option<libc::sigset_t>,
        /// The mask belongs to this thread, so this value must not move to another one.
        _not_send: PhantomData<*const ()>,
    }

    impl Blocked {
        pub(super) fn new() -> Blocked {
            let mut before = MaybeUninit::<libc::sigset_t>::uninit();
            // A signal that waits already is not from a write of ours, so it stays.
            let before = (!is_pending()).then(|| {
                let set = set();
                // SAFETY: both point to locals of the right type; the call fills the second if it returns 0.
                unsafe { (libc::pthread_sigmask(libc::SIG_BLOCK, &set, before.as_mut_ptr()) == 0).then(|| before.assume_init()) }
            });
            Blocked { before: before.flatten(), _not_send: PhantomData }
        }
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            let Some(before) = &self.before else { return };
            if is_pending() {
                take();
            }
            // SAFETY: `before` is the mask that pthread_sigmask wrote on this thread; with NULL it writes no old mask.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
        }
    }

    /// The set of SIGXFSZ alone.
    fn set() -> libc::sigset_t {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset fills the set, and both calls cannot fail for a valid pointer and a valid signal.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGXFSZ);
            set.assume_init()
        }
    }

    /// True if SIGXFSZ waits for this thread to take it.
    fn is_pending() -> bool {
        let mut waiting = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the call fills the local if it returns 0, and only then it is read.
        unsafe { libc::sigpending(waiting.as_mut_ptr()) == 0 && libc::sigismember(waiting.as_ptr(), libc::SIGXFSZ) == 1 }
    }

    /// Takes the signal that waits.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn take() {
        let (set, now) = (set(), libc::timespec { tv_sec: 0, tv_nsec: 0 });
        // SAFETY: both point to locals; NULL: nothing is told about the signal. With a time of 0 the call does not wait.
        unsafe { libc::sigtimedwait(&set, std::ptr::null_mut(), &now) };
    }

    /// Takes the signal that waits.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn take() {
        let (set, mut signal) = (set(), 0);
        // SAFETY: both point to locals of the right type.
        unsafe { libc::sigwait(&set, &mut signal) };
    }
}

#[cfg(not(unix))]
mod signal {
    /// There is no such signal here.
    pub(super) struct Blocked;

    impl Blocked {
        pub(super) fn new() -> Blocked {
            Blocked
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Write as _};

    const CHILD: &str = "AVX_GPU_TEST_FILE_SIZE";

    /// A write beyond the limit. The test below runs it in a process of its own, because the limit is the whole process's.
    #[test]
    fn writer() {
        let Some(path) = std::env::var_os(CHILD) else { return };
        let limit = libc::rlimit { rlim_cur: 1000, rlim_max: 1000 };
        // SAFETY: the call reads a local of the right type.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) }, 0);
        let mut file = std::fs::File::create(path).expect("a file");
        for _ in 0..2 {
            let error = without_size_signal(|| file.write_all(&[1; 3000])).expect_err("beyond the limit");
            assert_eq!(error.kind(), ErrorKind::FileTooLarge, "{error}");
        }
        // The signal was taken and is not blocked: another write of the program gets it.
        drop(file.write_all(&[1; 3000]));
        panic!("the program's own write brought no signal");
    }

    #[test]
    fn a_write_beyond_the_limit_is_an_error_and_no_signal() {
        use std::os::unix::process::ExitStatusExt as _;
        let path = std::env::temp_dir().join(format!("avx_gpu_file_size_{}", std::process::id()));
        let name = format!("{}::writer", module_path!().split_once("::").expect("a crate").1);
        let mut child = std::process::Command::new(std::env::current_exe().expect("a path"));
        let output = child.args([&name, "--exact", "--nocapture"]).env(CHILD, &path).output().expect("a child");
        let _ = std::fs::remove_file(&path);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.signal(), Some(libc::SIGXFSZ), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
