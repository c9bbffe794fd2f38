//! The environment of the process, which a program with more rights than its caller must not trust. The caller of a setuid program chooses
//! the variables, so under AT_SECURE the library reads none of them. All reads of variables go through this file.

use std::ffi::OsString;
use std::sync::OnceLock;

/// The value of an environment variable. `None` if the variable is not set, or if the program runs with more rights than its caller.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    honoured(trusts_its_caller(), || std::env::var_os(name))
}

/// True unless the program runs with more rights than its caller, as a setuid program does.
pub(crate) fn trusts_its_caller() -> bool {
    static TRUSTS: OnceLock<bool> = OnceLock::new();
    *TRUSTS.get_or_init(|| !system::is_secure())
}

/// The value that `read` gives, if the caller of the program is trusted.
fn honoured(trusts: bool, read: impl FnOnce() -> Option<OsString>) -> Option<OsString> {
    if trusts { read() } else { None }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    /// The kernel sets AT_SECURE for programs with the setuid bit, the setgid bit or capabilities, and a security module can set it.
    pub(super) fn is_secure() -> bool {
        // SAFETY: the function only reads the auxiliary vector of the process. It gives 0 for an entry that is not there.
        unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
    }
}

#[cfg(any(
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "openbsd",
    target_os = "netbsd",
    target_os = "dragonfly"
))]
mod system {
    pub(super) fn is_secure() -> bool {
        // SAFETY: the function takes nothing and cannot fail.
        unsafe { libc::issetugid() != 0 }
    }
}

#[cfg(all(
    unix,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "macos",
        target_os = "ios",
        target_os = "freebsd",
        target_os = "openbsd",
        target_os = "netbsd",
        target_os = "dragonfly"
    ))
))]
mod system {
    pub(super) fn is_secure() -> bool {
        // SAFETY: the functions take nothing and cannot fail.
        unsafe { libc::geteuid() != libc::getuid() || libc::getegid() != libc::getgid() }
    }
}

#[cfg(not(unix))]
mod system {
    /// No program gets more rights than its caller here by a bit of its file.
    pub(super) fn is_secure() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_more_rights_than_its_caller_reads_nothing() {
        let mut reads = 0;
        let mut read = || {
            reads += 1;
            Some(OsString::from("value"))
        };
        assert_eq!(honoured(true, &mut read), Some("value".into()));
        assert_eq!(honoured(false, &mut read), None);
        assert_eq!(reads, 1, "the variable was read although the caller is not trusted");
    }

    #[test]
    fn an_ordinary_program_reads_its_environment() {
        // Cargo sets this variable for tests.
        assert!(trusts_its_caller());
        assert_eq!(variable("CARGO_PKG_NAME"), std::env::var_os("CARGO_PKG_NAME"));
        assert_eq!(variable("AVX_GPU_NO_SUCH_VARIABLE"), None);
    }
}
