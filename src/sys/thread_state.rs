//! The state of a program's thread that must not reach a driver: whether the thread can be cancelled, and its floating-point mode.
//!
//! A cancelled thread unwinds at the next cancellation point, such as a read of a file or a sleep. Inside the library or a driver, that would
//! leave locks held, and Rust ends the program when such an unwinding passes through its frames.
//!
//! A floating-point mode reaches the kernels of devices that compute on the processor, and the threads that a driver starts inherit the mode.
//! A driver or a compiler that divides by zero on purpose would end a program that has such divisions trap.

use std::marker::PhantomData;

/// Until this is dropped, the thread cannot be cancelled and computes in the default floating-point mode: no trap, denormal numbers kept,
/// rounding to nearest. Then the thread has its own state again. A cancellation that came meanwhile acts at the thread's next cancellation
/// point.
pub(crate) struct DefaultThreadState {
    cancellation: cancellation::State,
    float_mode: float_mode::Mode,
    /// The state belongs to this thread, so this value must not move to another one.
    _not_send: PhantomData<*const ()>,
}

impl DefaultThreadState {
    #[inline]
    pub(crate) fn enter() -> DefaultThreadState {
        DefaultThreadState { cancellation: cancellation::disable(), float_mode: float_mode::set_default(), _not_send: PhantomData }
    }
}

impl Drop for DefaultThreadState {
    #[inline]
    fn drop(&mut self) {
        float_mode::restore(self.float_mode);
        cancellation::restore(self.cancellation);
    }
}

#[cfg(all(unix, not(target_os = "android")))]
mod cancellation {
    use std::ffi::c_int;

    pub(super) type State = c_int;

    #[cfg(not(target_vendor = "apple"))]
    const DISABLE: c_int = 1;
    #[cfg(target_vendor = "apple")]
    const DISABLE: c_int = 0;

    unsafe extern "C" {
        // POSIX; the crate libc does not declare it.
        fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    }

    #[inline]
    pub(super) fn disable() -> State {
        let mut before = DISABLE;
        // SAFETY: the call writes the state before it to a local, and cannot fail for a known state.
        unsafe { pthread_setcancelstate(DISABLE, &raw mut before) };
        before
    }

    #[inline]
    pub(super) fn restore(before: State) {
        let mut disabled = DISABLE;
        // SAFETY: `before` is a state that the call gave on this thread; the pointer is to a local, because not every system takes NULL.
        unsafe { pthread_setcancelstate(before, &raw mut disabled) };
    }
}

#[cfg(not(all(unix, not(target_os = "android"))))]
mod cancellation {
    /// Threads cannot be cancelled on this system.
    pub(super) type State = ();

    pub(super) fn disable() -> State {}

    pub(super) fn restore((): State) {}
}

#[cfg(target_arch = "x86_64")]
mod float_mode {
    use std::arch::asm;

    /// The control registers: MXCSR of SSE and AVX, and the control word of the x87.
    #[derive(Clone, Copy)]
    pub(super) struct Mode {
        mxcsr: u32,
        x87: u16,
    }

    /// The bits of MXCSR that are flags of what happened, which no mode depends on.
    const FLAGS: u32 = 0x3f;
    /// The modes of a new process by the System V ABI.
    const DEFAULT: Mode = Mode { mxcsr: 0x1f80, x87: 0x037f };

    #[inline]
    fn get() -> Mode {
        let (mut mxcsr, mut x87) = (0u32, 0u16);
        // SAFETY: the instructions store the two registers to locals of their sizes.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags));
            asm!("fnstcw [{}]", in(reg) &raw mut x87, options(nostack, preserves_flags));
        }
        Mode { mxcsr, x87 }
    }

    #[inline]
    fn load(mode: Mode) {
        let mxcsr = mode.mxcsr;
        let x87 = mode.x87;
        // SAFETY: both values are ones that the registers had before, or the default ones, so no reserved bit is set. Before an unmasked x87
        // exception could trap, its flags are cleared. The compiler's code keeps nothing on the x87 stack across this.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack, preserves_flags));
            asm!("fnclex", "fldcw [{}]", in(reg) &raw const x87, options(nostack, preserves_flags));
        }
    }

    /// Sets the default mode and returns the mode before. The registers are written only if they differ.
    #[inline]
    pub(super) fn set_default() -> Mode {
        let before = get();
        if before.mxcsr & !FLAGS != DEFAULT.mxcsr || before.x87 != DEFAULT.x87 {
            load(DEFAULT);
        }
        before
    }

    #[inline]
    pub(super) fn restore(before: Mode) {
        if before.mxcsr & !FLAGS != DEFAULT.mxcsr || before.x87 != DEFAULT.x87 {
            load(before);
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod float_mode {
    use std::arch::asm;

    /// The control register FPCR.
    pub(super) type Mode = u64;

    #[inline]
    fn load(mode: Mode) {
        // SAFETY: 0 is the default mode of the procedure call standard, and any other value is one that the register had before.
        unsafe { asm!("msr fpcr, {}", in(reg) mode, options(nomem, nostack, preserves_flags)) };
    }

    #[inline]
    pub(super) fn set_default() -> Mode {
        let before: Mode;
        // SAFETY: the instruction reads a register that every program may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) before, options(nomem, nostack, preserves_flags)) };
        if before != 0 {
            load(0);
        }
        before
    }

    #[inline]
    pub(super) fn restore(before: Mode) {
        if before != 0 {
            load(before);
        }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod float_mode {
    /// The mode is left as it is on this processor.
    pub(super) type Mode = ();

    pub(super) fn set_default() -> Mode {}

    pub(super) fn restore((): Mode) {}
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::arch::asm;
    use std::hint::black_box;

    fn set_mxcsr(value: u32) {
        // SAFETY: the tests pass values without reserved bits.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, preserves_flags)) };
    }

    fn is_flushed() -> bool {
        black_box(f32::MIN_POSITIVE) * black_box(0.5) == 0.0
    }

    #[test]
    fn denormal_numbers_are_kept_inside_and_the_mode_comes_back() {
        set_mxcsr(0x1f80 | 1 << 15 | 1 << 6);
        assert!(is_flushed());
        let state = DefaultThreadState::enter();
        let inside = is_flushed();
        let inherited = std::thread::spawn(is_flushed).join().unwrap();
        drop(state);
        let after = is_flushed();
        set_mxcsr(0x1f80);
        assert!(!inside && !inherited && after);
    }

    #[test]
    fn nothing_traps_inside() {
        // All exceptions trap, so that without the default mode the division would end the process.
        let state = {
            set_mxcsr(0);
            DefaultThreadState::enter()
        };
        let quotient = black_box(1.0f32) / black_box(0.0);
        set_mxcsr(0x1f80);
        std::mem::forget(state);
        assert!(quotient.is_infinite());
    }
}
