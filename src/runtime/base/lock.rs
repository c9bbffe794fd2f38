//! The locks of the runtime, and the order in which a thread takes them.
//!
//! Each lock has a rank. A thread that holds a lock takes only locks of higher ranks, so two threads never wait for each other. Debug
//! builds check the order and panic. Release builds carry no trace of the check. A lock stays usable after its holder has panicked: what
//! the lock guards is changed in steps, and each step leaves it valid.
//!
//! | rank | what the lock guards | locks that a thread may hold when it takes this one |
//! |---|---|---|
//! | `REPORT_READER` | the reading of the reports of kernels: one thread at a time | none |
//! | `PIPELINES` | the making of the pipelines of a program: one thread at a time | none |
//! | `REGIONS` | the user's memory that a device knows | none |
//! | `DEVICES`, `KERNELS`, `STREAMS`, `BUFFERS`, `EVENTS`, `GRAPHS` | the tables of handles | a table that stands before it in this list |
//! | `SCHEDULER` | all that is recorded and submitted on a device | a table of handles, `REGIONS`, `PIPELINES`, `REPORT_READER` |
//! | `EVENT` | the place where an event was recorded last | `SCHEDULER` |
//! | `GRAPH` | the command buffers of a graph | `SCHEDULER` |
//! | `FLUSH_THREAD` | the handle of the thread that submits held-back work | `SCHEDULER` and the tables of handles |
//! | `OWN_KERNELS` | the library's own kernels | none |
//! | `DROPS` | what is freed when the GPU has passed it, on its way to the scheduler | `SCHEDULER`, `OWN_KERNELS` |
//! | `RETURNED_CHUNKS` | staging memory on its way back to the scheduler | `SCHEDULER` |
//! | `REPORT_BUFFERS` | the buffers that kernels report into | `REPORT_READER` |
//! | `RECORDING` | the commands that a stream records | none |
//! | `FAILURES` | the failures of a stream | `SCHEDULER` |
//! | `CODE_CACHE`, `COMPILERS`, `PARSED_CACHE`, `GLSL_MACROS` | what compiling keeps | none |
//! | `PIPELINE_CACHE_FILE` | the content of the file of compiled pipelines | none |
//! | `CACHE_SAVER` | when compiled pipelines are saved | none |
//! | `COPY_PARTS` | the parts of one large transfer | none |
//! | `GATE` | the end of the last call inside of a device | any of the above |
//! | `NAME` | the name that the user gave an object | any of the above |
//! | `LOG` | the lines of the log, and its sink | any of the above |
//! | `DEVICE_LOG` | the count of the lines that the log has of one device | any of the above |
//! | `TRACE` | the trace file | any of the above |
//!
//! The locks of `crate::vulkan` (of memory, descriptors, completions, timestamps) and of `crate::sys` come after all of these: no code
//! there takes a lock of the runtime.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

/// The ranks, in order. See the module.
pub(crate) mod rank {
    pub(crate) const REPORT_READER: u8 = 0;
    pub(crate) const PIPELINES: u8 = 1;
    pub(crate) const REGIONS: u8 = 2;
    pub(crate) const DEVICES: u8 = 3;
    pub(crate) const KERNELS: u8 = 4;
    pub(crate) const STREAMS: u8 = 5;
    pub(crate) const BUFFERS: u8 = 6;
    pub(crate) const EVENTS: u8 = 7;
    pub(crate) const GRAPHS: u8 = 8;
    pub(crate) const SCHEDULER: u8 = 9;
    pub(crate) const EVENT: u8 = 10;
    pub(crate) const GRAPH: u8 = 11;
    pub(crate) const FLUSH_THREAD: u8 = 12;
    pub(crate) const OWN_KERNELS: u8 = 13;
    pub(crate) const DROPS: u8 = 14;
    pub(crate) const RETURNED_CHUNKS: u8 = 15;
    pub(crate) const REPORT_BUFFERS: u8 = 16;
    pub(crate) const RECORDING: u8 = 17;
    pub(crate) const FAILURES: u8 = 18;
    pub(crate) const CODE_CACHE: u8 = 19;
    pub(crate) const COMPILERS: u8 = 20;
    pub(crate) const PARSED_CACHE: u8 = 21;
    pub(crate) const GLSL_MACROS: u8 = 22;
    pub(crate) const PIPELINE_CACHE_FILE: u8 = 23;
    pub(crate) const CACHE_SAVER: u8 = 24;
    pub(crate) const COPY_PARTS: u8 = 25;
    pub(crate) const GATE: u8 = 26;
    pub(crate) const NAME: u8 = 27;
    pub(crate) const LOG: u8 = 28;
    pub(crate) const DEVICE_LOG: u8 = 29;
    pub(crate) const TRACE: u8 = 30;
}

/// What the current thread holds, checked in debug builds.
#[cfg(debug_assertions)]
mod held {
    use std::cell::Cell;

    thread_local! {
        /// One bit for each rank that the thread holds.
        static HELD: Cell<u32> = const { Cell::new(0) };
    }

    /// Stands for one lock that the thread holds, until it is dropped.
    pub(super) struct Held(u8);

    impl Held {
        /// Notes that the thread takes a lock of this rank. To be called before the thread waits for the lock.
        #[track_caller]
        pub(super) fn new(rank: u8) -> Held {
            let held = HELD.get();
            assert!(held >> rank == 0, "a lock of rank {rank} is taken while ranks {held:#b} are held: see the table in base/lock.rs");
            HELD.set(held | 1 << rank);
            Held(rank)
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            HELD.set(HELD.get() & !(1 << self.0));
        }
    }
}

/// Release builds keep no account.
#[cfg(not(debug_assertions))]
mod held {
    pub(super) struct Held;

    impl Held {
        #[inline(always)]
        pub(super) fn new(_rank: u8) -> Held {
            Held
        }
    }
}

use held::Held;

/// A mutex with a rank.
#[derive(Debug, Default)]
pub(crate) struct Lock<T, const RANK: u8>(Mutex<T>);

/// Access to what a [`Lock`] guards. The lock is held until this is dropped.
pub(crate) struct Guard<'l, T> {
    guard: MutexGuard<'l, T>,
    held: Held,
}

impl<T, const RANK: u8> Lock<T, RANK> {
    pub(crate) const fn new(value: T) -> Self {
        Lock(Mutex::new(value))
    }

    /// Waits for the lock.
    #[inline]
    #[track_caller]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        let held = Held::new(RANK);
        Guard { guard: self.0.lock().unwrap_or_else(PoisonError::into_inner), held }
    }

    /// Takes the lock, if no thread holds it.
    #[inline]
    #[track_caller]
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        let held = Held::new(RANK);
        match self.0.try_lock() {
            Ok(guard) => Some(Guard { guard, held }),
            Err(TryLockError::Poisoned(poisoned)) => Some(Guard { guard: poisoned.into_inner(), held }),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Gives up the lock and returns what it guarded.
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Guard<'_, T> {
    /// Releases the lock until the condition is signalled, then takes it again.
    pub(crate) fn wait(self, condition: &Condvar) -> Self {
        Guard { guard: condition.wait(self.guard).unwrap_or_else(PoisonError::into_inner), held: self.held }
    }

    /// As `wait`, for `timeout` at most.
    pub(crate) fn wait_timeout(self, condition: &Condvar, timeout: Duration) -> Self {
        Guard { guard: condition.wait_timeout(self.guard, timeout).unwrap_or_else(PoisonError::into_inner).0, held: self.held }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// A lock with a rank that several threads may hold at once to read.
#[derive(Debug, Default)]
pub(crate) struct SharedLock<T, const RANK: u8>(RwLock<T>);

/// Access to what a [`SharedLock`] guards, to read it.
pub(crate) struct ReadGuard<'l, T> {
    guard: RwLockReadGuard<'l, T>,
    _held: Held,
}

/// Access to what a [`SharedLock`] guards, to change it.
pub(crate) struct WriteGuard<'l, T> {
    guard: RwLockWriteGuard<'l, T>,
    _held: Held,
}

impl<T, const RANK: u8> SharedLock<T, RANK> {
    pub(crate) const fn new(value: T) -> Self {
        SharedLock(RwLock::new(value))
    }

    /// Waits until no thread changes the value.
    #[inline]
    #[track_caller]
    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        let _held = Held::new(RANK);
        ReadGuard { guard: self.0.read().unwrap_or_else(PoisonError::into_inner), _held }
    }

    /// Waits until no other thread holds the lock.
    #[inline]
    #[track_caller]
    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        let _held = Held::new(RANK);
        WriteGuard { guard: self.0.write().unwrap_or_else(PoisonError::into_inner), _held }
    }
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_outlives_a_panic_of_its_holder() {
        let lock = Lock::<u32, { rank::LOG }>::new(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            *lock.lock() = 2;
            let _guard = lock.lock();
            panic!("asked for by a test");
        }));
        assert!(panicked.is_err() && *lock.lock() == 2);
        assert_eq!(lock.into_inner(), 2);
    }

    #[test]
    fn locks_are_taken_in_the_order_of_their_ranks() {
        let (table, scheduler) = (SharedLock::<(), { rank::KERNELS }>::new(()), Lock::<(), { rank::SCHEDULER }>::new(()));
        let log = Lock::<(), { rank::LOG }>::new(());
        for _ in 0..2 {
            let table = table.read();
            let scheduler = scheduler.lock();
            drop(table);
            drop(log.lock());
            drop(scheduler);
        }
        assert!(scheduler.try_lock().is_some());
    }

    #[cfg(debug_assertions)]
    #[test]
    fn a_wrong_order_panics_in_debug_builds() {
        let (table, scheduler) = (SharedLock::<(), { rank::KERNELS }>::new(()), Lock::<(), { rank::SCHEDULER }>::new(()));
        let panics = |work: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err();
        assert!(panics(&|| {
            let _engine = scheduler.lock();
            drop(table.read());
        }));
        assert!(panics(&|| {
            let _engine = scheduler.lock();
            drop(scheduler.lock());
        }));
        // The unwinding of the panics above has released what was held.
        let _table = table.read();
        drop(scheduler.lock());
    }
}
