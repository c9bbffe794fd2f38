//! Taking the engine.

use crate::runtime::api::device::Device;
use crate::runtime::schedule::engine::Engine;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError, TryLockError};

/// How often a thread looks for the engine before it sleeps, and how many pauses of the processor are between two looks: some 40 us.
const LOCK_LOOKS: u32 = 150;
const LOCK_PAUSE: u32 = 8;
/// So many threads look at once; more in line sleep, as a thousand that each wait for a small job must.
const LOOKERS: u32 = 8;

impl Device {
    /// The engine, for as long as it takes to record something: never across a wait for the GPU.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Engine> {
        match self.engine.try_lock() {
            Ok(engine) => engine,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => self.lock_contended(),
        }
    }

    /// The engine is held for a microsecond or two, and who goes to sleep for it wakes up tens of them later, with all others in line
    /// behind. Among threads that wait for the device between their calls that is what would take the time, so a few look again for a
    /// moment. Threads that only queue are faster if one works on and the others sleep.
    #[cold]
    fn lock_contended(&self) -> MutexGuard<'_, Engine> {
        self.in_line.fetch_add(1, Ordering::Relaxed);
        let engine = self.look_for_engine();
        self.in_line.fetch_sub(1, Ordering::Relaxed);
        engine
    }

    fn look_for_engine(&self) -> MutexGuard<'_, Engine> {
        if self.in_line() <= LOOKERS && self.completions.iter().any(|completion| completion.waiting() > 0) {
            for _ in 0..LOCK_LOOKS {
                (0..LOCK_PAUSE).for_each(|_| std::hint::spin_loop());
                match self.engine.try_lock() {
                    Ok(engine) => return engine,
                    Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                    Err(TryLockError::WouldBlock) => {}
                }
            }
        }
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many threads are in line for the engine.
    pub(crate) fn in_line(&self) -> u32 {
        self.in_line.load(Ordering::Relaxed)
    }
}
