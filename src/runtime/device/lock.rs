//! Taking the engine.

use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::runtime::schedule::engine::Engine;
use crate::vulkan::Completion;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar};
use std::time::Duration;

/// How often a thread looks for the engine before it sleeps, and how many pauses of the processor are between two looks: some 40 us.
const LOCK_LOOKS: u32 = 150;
const LOCK_PAUSE: u32 = 8;
/// So many threads look at once; more in line sleep, as a thousand that each wait for a small job must.
const LOOKERS: u32 = 8;

/// The engine behind its lock, with the signal that something which calls wait for has changed under it.
pub(crate) struct EngineLock {
    engine: Lock<Engine, { rank::ENGINE }>,
    /// Threads in line for it.
    in_line: AtomicU32,
    /// Of each queue.
    completions: Vec<Arc<Completion>>,
    /// Pins have ended, staging chunks came back.
    changed: Condvar,
    /// Who waits for that. Counted under the lock.
    changes_wanted: AtomicU32,
}

impl EngineLock {
    pub(crate) fn new(engine: Engine, completions: Vec<Arc<Completion>>) -> EngineLock {
        EngineLock {
            engine: Lock::new(engine),
            in_line: AtomicU32::new(0),
            completions,
            changed: Condvar::new(),
            changes_wanted: AtomicU32::new(0),
        }
    }

    /// The engine, for as long as it takes to record something: never across a wait for the GPU.
    pub(crate) fn lock(&self) -> Guard<'_, Engine> {
        match self.engine.try_lock() {
            Some(engine) => engine,
            None => self.lock_contended(),
        }
    }

    /// The engine is held for a microsecond or two, and who goes to sleep for it wakes up tens of them later, with all others in line
    /// behind. Among threads that wait for the device between their calls that is what would take the time, so a few look again for a
    /// moment. Threads that only queue are faster if one works on and the others sleep.
    #[cold]
    fn lock_contended(&self) -> Guard<'_, Engine> {
        self.in_line.fetch_add(1, Ordering::Relaxed);
        let engine = self.look_for_engine();
        self.in_line.fetch_sub(1, Ordering::Relaxed);
        engine
    }

    fn look_for_engine(&self) -> Guard<'_, Engine> {
        if self.in_line() <= LOOKERS && self.completions.iter().any(|completion| completion.waiting() > 0) {
            for _ in 0..LOCK_LOOKS {
                (0..LOCK_PAUSE).for_each(|_| std::hint::spin_loop());
                if let Some(engine) = self.engine.try_lock() {
                    return engine;
                }
            }
        }
        self.engine.lock()
    }

    /// How many threads are in line for the engine.
    pub(crate) fn in_line(&self) -> u32 {
        self.in_line.load(Ordering::Relaxed)
    }

    /// Gives the lock away until pins end or staging chunks come back, for a second at most.
    pub(crate) fn wait_for_change<'a>(&self, engine: Guard<'a, Engine>) -> Guard<'a, Engine> {
        self.wait_unless(engine, || false)
    }

    /// As `wait_for_change`, unless what is waited for is there by now.
    pub(crate) fn wait_unless<'a>(&self, engine: Guard<'a, Engine>, is_there: impl FnOnce() -> bool) -> Guard<'a, Engine> {
        self.changes_wanted.fetch_add(1, Ordering::SeqCst);
        let engine = match is_there() {
            true => engine,
            false => engine.wait_timeout(&self.changed, Duration::from_secs(1)),
        };
        self.changes_wanted.fetch_sub(1, Ordering::SeqCst);
        engine
    }

    /// To be called behind the change, which was made under the engine's lock. Costs a call of the system's only if somebody waits.
    pub(crate) fn notify_change(&self) {
        if self.changes_wanted.load(Ordering::Relaxed) > 0 {
            self.changed.notify_all();
        }
    }

    /// As `notify_change`, of a change that was made without the lock.
    pub(crate) fn notify_unlocked_change(&self) {
        if self.changes_wanted.load(Ordering::SeqCst) > 0 {
            // So that no thread is between its look and its sleep.
            drop(self.lock());
            self.changed.notify_all();
        }
    }
}
