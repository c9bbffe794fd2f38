//! The lock of the scheduler, with the signal that something under it has changed.

use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::runtime::schedule::scheduler::Scheduler;
use crate::vulkan::Completion;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar};
use std::time::Duration;

/// How often a thread tries the lock before it sleeps, and how many pauses of the processor lie between two tries: some 40 us in all.
const LOCK_LOOKS: u32 = 150;
const LOCK_PAUSE: u32 = 8;
/// At most this many threads try at once. More threads that wait must sleep, as when a thousand each wait for a small job.
const LOOKERS: u32 = 8;

/// The scheduler and its lock. Calls that wait for a change under the lock are signalled.
pub(crate) struct SchedulerLock {
    scheduler: Lock<Scheduler, { rank::SCHEDULER }>,
    /// The number of threads that wait for the lock.
    in_line: AtomicU32,
    /// One for each queue.
    completions: Vec<Arc<Completion>>,
    /// Signalled when a pin ends or a staging chunk comes back.
    changed: Condvar,
    /// The number of threads that wait for that. It is counted under the lock.
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

    /// Locks the scheduler. A caller holds the lock for as long as it takes to record something, and never across a wait for the GPU.
    pub(crate) fn lock(&self) -> Guard<'_, Scheduler> {
        match self.scheduler.try_lock() {
            Some(scheduler) => scheduler,
            None => self.lock_contended(),
        }
    }

    /// A thread holds this lock for a microsecond or two. A thread that blocks on it wakes tens of microseconds late and delays every
    /// thread queued behind it. Among threads that wait for the device between their calls, that would take most of the time, so a few
    /// threads try again for a moment. Threads that only queue work are faster if one goes on and the others sleep.
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

    /// The number of threads that wait for the lock.
    pub(crate) fn in_line(&self) -> u32 {
        self.in_line.load(Ordering::Relaxed)
    }

    /// Releases the lock until a pin ends or a staging chunk comes back, for a second at most.
    pub(crate) fn wait_for_change<'a>(&self, scheduler: Guard<'a, Scheduler>) -> Guard<'a, Scheduler> {
        self.wait_unless(scheduler, || false)
    }

    /// As `wait_for_change`, but returns at once if `is_there` says that what the caller waits for is there by now.
    pub(crate) fn wait_unless<'a>(&self, scheduler: Guard<'a, Scheduler>, is_there: impl FnOnce() -> bool) -> Guard<'a, Scheduler> {
        self.changes_wanted.fetch_add(1, Ordering::SeqCst);
        let scheduler = match is_there() {
            true => scheduler,
            false => scheduler.wait_timeout(&self.changed, Duration::from_secs(1)),
        };
        self.changes_wanted.fetch_sub(1, Ordering::SeqCst);
        scheduler
    }

    /// To be called after a change that was made under the lock. It makes a system call only if a thread waits.
    pub(crate) fn notify_change(&self) {
        if self.changes_wanted.load(Ordering::Relaxed) > 0 {
            self.changed.notify_all();
        }
    }

    /// As `notify_change`, after a change that was made without the lock.
    pub(crate) fn notify_unlocked_change(&self) {
        if self.changes_wanted.load(Ordering::SeqCst) > 0 {
            // No thread is then between its look and its sleep.
            drop(self.lock());
            self.changed.notify_all();
        }
    }
}
