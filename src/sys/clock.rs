//! The system's monotonic clock as a number, which `std::time::Instant` does not give.

/// CLOCK_MONOTONIC in nanoseconds; `None` where there is none.
pub(crate) fn monotonic_nanoseconds() -> Option<u64> {
    #[cfg(unix)]
    {
        let mut time = std::mem::MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: the pointer is to a local of the right type, which the call fills if it returns 0.
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_forwards() {
        let before = monotonic_nanoseconds().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(monotonic_nanoseconds().unwrap() - before >= 2_000_000);
    }
}
