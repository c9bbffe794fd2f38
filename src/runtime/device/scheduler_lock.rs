//! Taking the scheduler.

use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::runtime::schedule::scheduler::Scheduler;
use crate::vulkan::Completion;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar};
use std::time::Duration;

/// How often a thread looks for the scheduler before it sleeps, and how many pauses of the processor are between two looks: some 40 us.
const LOCK_LOOKS: u32 = 150;
const LOCK_PAUSE: u32 = 8;
/// So many threads look at once; more in line sleep, as a thousand that each wait for a small job must.
const LOOKERS: u32 = 8;

/// The scheduler behind its lock, with the signal that something which calls wait for has changed under it.
pub(crate) struct SchedulerLock {
    scheduler: Lock<Scheduler, { rank::SCHEDULER }>,
    /// Threads in line for it.
    in_line: AtomicU32,
    /// Of each queue.
    completions: Vec<Arc<Completion>>,
    /// Pins have ended, staging chunks came back.
    changed: Condvar,
    /// Who waits for that. Counted under the lock.
    changes_wanted: AtomicU32,
}

impl SchedulerLock {
    pub(crate) fn new(scheduler: Scheduler, completions: Vec<Arc<Completion>>) -> SchedulerLock {
        SchedulerLock {
            scheduler: Lock::new(scheduler),
            in_line: AtomicU32::new(0),
            completions,
            changed: Condvar::new(),
            changes_wanted: AtomicU32::new(0),
        }
    }

    /// The scheduler, for as long as it takes to record something: never across a wait for the GPU.
    pub(crate) fn lock(&self) -> Guard<'_, Scheduler> {
        match self.scheduler.try_lock() {
            Some(scheduler) => scheduler,
            None => self.lock_contended(),
        }
    }

    /// The scheduler is held for a microsecond or two, and who goes to sleep for it wakes up tens of them later, with all others in line
    /// behind. Among threads that wait for the device between their calls that is what would take the time, so a few look again for a
    /// moment. Threads that only queue are faster if one works on and the others sleep.
    #[cold]
    fn lock_contended(&self) -> Guard<'_, Scheduler> {
        self.in_line.fetch_add(1, Ordering::Relaxed);
        let scheduler = self.look_for_scheduler();
        self.in_line.fetch_sub(1, Ordering::Relaxed);
        scheduler
    }

    fn look_for_scheduler(&self) -> Guard<'_, Scheduler> {
        if self.in_line() <= LOOKERS && self.completions.iter().any(|completion| completion.waiting() > 0) {
            for _ in 0..LOCK_LOOKS {
                (0..LOCK_PAUSE).for_each(|_| std::hint::spin_loop());
                if let Some(scheduler) = self.scheduler.try_lock() {
                    return scheduler;
                }
            }
        }
        self.scheduler.lock()
    }

    /// How many threads are in line for the scheduler.
    pub(crate) fn in_line(&self) -> u32 {
        self.in_line.load(Ordering::Relaxed)
    }

    /// Gives the lock away until pins end or staging chunks come back, for a second at most.
    pub(crate) fn wait_for_change<'a>(&self, scheduler: Guard<'a, Scheduler>) -> Guard<'a, Scheduler> {
        self.wait_unless(scheduler, || false)
    }

    /// As `wait_for_change`, unless what is waited for is there by now.
    pub(crate) fn wait_unless<'a>(&self, scheduler: Guard<'a, Scheduler>, is_there: impl FnOnce() -> bool) -> Guard<'a, Scheduler> {
        self.changes_wanted.fetch_add(1, Ordering::SeqCst);
        let scheduler = match is_there() {
            true => scheduler,
            false => scheduler.wait_timeout(&self.changed, Duration::from_secs(1)),
        };
        self.changes_wanted.fetch_sub(1, Ordering::SeqCst);
        scheduler
    }

    /// To be called behind the change, which was made under the scheduler's lock. Costs a call of the system's only if somebody waits.
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
