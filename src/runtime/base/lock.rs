//! The locks of the runtime, and the order in which they are taken.
//!
//! Each lock has a rank. A thread that holds a lock takes only locks of higher ranks, so two threads never wait for each other. Debug
//! builds check that and panic; release builds carry no trace of it. A lock whose holder panicked stays usable: what it guards is changed
//! in steps that each leave it valid.
//!
//! | rank | what it guards | may be held while it is taken |
//! |---|---|---|
//! | `REPORT_READER` | that one thread reads the reports of kernels | nothing |
//! | `PIPELINES` | that one thread makes a pipeline of a program | nothing |
//! | `REGIONS` | the user's memory that a device knows | nothing |
//! | `DEVICES`, `KERNELS`, `STREAMS`, `BUFFERS`, `EVENTS`, `GRAPHS` | the tables of handles | a table before it in this list |
//! | `SCHEDULER` | all that is recorded and submitted on a device | a table of handles, `REGIONS`, `PIPELINES`, `REPORT_READER` |
//! | `EVENT` | where an event was recorded last | `SCHEDULER` |
//! | `GRAPH` | the command buffers of a graph | `SCHEDULER` |
//! | `FLUSH_THREAD` | the handle of the thread that submits held-back work | `SCHEDULER` |
//! | `OWN_KERNELS` | the library's own kernels | nothing |
//! | `DROPS` | what is freed when the GPU has passed it, on its way to the scheduler | all of the above |
//! | `RETURNED_CHUNKS` | staging memory on its way back to the scheduler | `SCHEDULER` |
//! | `REPORT_BUFFERS` | the buffers that kernels report into | `REPORT_READER` |
//! | `RECORDING` | the commands that a stream records | nothing |
//! | `FAILURES` | the failures of a stream | `SCHEDULER` |
//! | `CODE_CACHE`, `COMPILERS`, `PARSED_CACHE`, `GLSL_MACROS` | what compiling keeps | nothing |
//! | `PIPELINE_CACHE_FILE` | what the file of compiled pipelines holds | nothing |
//! | `COPY_PARTS` | the parts of one large transfer | nothing |
//! | `GATE` | the end of the last call inside of a device | `SCHEDULER` |
//! | `NAME` | the name that the user gave an object | all of the above |
//! | `LOG` | the log's lines and its sink | all of the above |
//! | `DEVICE_LOG` | the lines of one device that the log has | all of the above |
//! | `TRACE` | the trace's file | all of the above |
//!
//! The locks of `crate::vulkan` (of memory, of descriptors, of completions) and of `crate::sys` come behind all of these: nothing there
//! takes a lock of the runtime.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

/// The ranks, in order: see the module.
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
    pub(crate) const COPY_PARTS: u8 = 24;
    pub(crate) const GATE: u8 = 25;
    pub(crate) const NAME: u8 = 26;
    pub(crate) const LOG: u8 = 27;
    pub(crate) const DEVICE_LOG: u8 = 28;
    pub(crate) const TRACE: u8 = 29;
}

/// What this thread holds, checked in debug builds.
#[cfg(debug_assertions)]
mod held {
    use std::cell::Cell;

    thread_local! {
        /// A bit for each rank that is held.
        static HELD: Cell<u32> = const { Cell::new(0) };
    }

    /// A lock of one rank is held until this is dropped.
    pub(super) struct Held(u8);

    impl Held {
        /// To be called before the lock is waited for.
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

/// Nothing, in release builds.
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

/// A mutex of a rank.
#[derive(Debug, Default)]
pub(crate) struct Lock<T, const RANK: u8>(Mutex<T>);

/// What a [`Lock`] guards, locked until this is dropped.
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

    /// The lock, if no thread has it.
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

    /// What it guarded.
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Guard<'_, T> {
    /// Gives the lock away until the condition is signalled.
    pub(crate) fn wait(self, condition: &Condvar) -> Self {
        Guard { guard: condition.wait(self.guard).unwrap_or_else(PoisonError::into_inner), held: self.held }
    }

    /// As `wait`, for so long at most.
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

/// A lock of a rank that several threads may hold at once, to read.
#[derive(Debug, Default)]
pub(crate) struct SharedLock<T, const RANK: u8>(RwLock<T>);

/// What a [`SharedLock`] guards, to be read.
pub(crate) struct ReadGuard<'l, T> {
    guard: RwLockReadGuard<'l, T>,
    _held: Held,
}

/// What a [`SharedLock`] guards, to be changed.
pub(crate) struct WriteGuard<'l, T> {
    guard: RwLockWriteGuard<'l, T>,
    _held: Held,
}

impl<T, const RANK: u8> SharedLock<T, RANK> {
    pub(crate) const fn new(value: T) -> Self {
        SharedLock(RwLock::new(value))
    }

    /// Waits until no thread changes it.
    #[inline]
    #[track_caller]
    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        let _held = Held::new(RANK);
        ReadGuard { guard: self.0.read().unwrap_or_else(PoisonError::into_inner), _held }
    }

    /// Waits until no other thread has it.
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
        // What was held is let go of while the panic unwinds.
        let _table = table.read();
        drop(scheduler.lock());
    }
}
