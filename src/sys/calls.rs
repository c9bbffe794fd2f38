//! The threads that are inside the library. The exit handler waits for them.
//!
//! A thread that enters says so in a word of its own, so that calls of many threads do not share a cache line. Then the thread looks whether
//! the process is ending. The exit handler says that the process is ending, waits for a millisecond, and then looks at the words of all
//! threads. A processor may delay the store of a thread behind its own look, but by far less than a millisecond, and the kernel completes all
//! stores of a thread that it takes off a processor. So the exit handler sees each thread that did not see that the process is ending. A
//! barrier in each call, which would cost more than the rest of the entry, is not needed.

use super::process;
use super::thread_exit::register_thread;
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long after it was made a store may be invisible to other threads, at most.
const STORE_DELAY: Duration = Duration::from_millis(1);
/// The time between two looks at the threads that are inside.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// A thread's word. It has a cache line of its own.
#[repr(align(64))]
struct Slot {
    is_inside: AtomicBool,
    is_taken: AtomicBool,
}

/// The words of all threads. They are kept for later threads when their thread ends.
static SLOTS: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());
/// The number of threads inside that have no word, because they are ending already.
static WITHOUT_SLOT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
    static OWNER: Owner = const { Owner };
}

/// Gives the word of a thread back when the thread ends.
struct Owner;

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(slot) = SLOT.take() {
            slot.is_taken.store(false, Ordering::Release);
        }
    }
}

/// A thread that is inside the library, until this is dropped.
pub(crate) struct Inside {
    slot: Option<&'static Slot>,
    /// The word belongs to this thread, so this value must not move to another one.
    _not_send: PhantomData<*const ()>,
}

/// Lets the calling thread in. `None` if the process is a fork of the one that used the library, or is ending.
#[inline]
pub(crate) fn enter() -> Option<Inside> {
    let slot = SLOT.get();
    match slot {
        Some(slot) => slot.is_inside.store(true, Ordering::Relaxed),
        None => return enter_first(),
    }
    looked(Inside { slot, _not_send: PhantomData })
}

/// `inside`, unless it came too late.
#[inline]
fn looked(inside: Inside) -> Option<Inside> {
    compiler_fence(Ordering::SeqCst);
    process::is_alive().then_some(inside)
}

/// The first entry of a thread, and each entry of a thread that is ending.
#[cold]
fn enter_first() -> Option<Inside> {
    if !process::is_alive() {
        // Another thread may have held the lock when it was forked.
        return None;
    }
    register_thread();
    if OWNER.try_with(|_| ()).is_ok() {
        let slot = take_slot();
        slot.is_inside.store(true, Ordering::SeqCst);
        SLOT.set(Some(slot));
        return looked(Inside { slot: Some(slot), _not_send: PhantomData });
    }
    WITHOUT_SLOT.fetch_add(1, Ordering::SeqCst);
    looked(Inside { slot: None, _not_send: PhantomData })
}

fn take_slot() -> &'static Slot {
    let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(slot) = slots.iter().find(|slot| !slot.is_taken.swap(true, Ordering::AcqRel)) {
        return slot;
    }
    let slot: &'static Slot = Box::leak(Box::new(Slot { is_inside: AtomicBool::new(false), is_taken: AtomicBool::new(true) }));
    slots.push(slot);
    slot
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        match self.slot {
            Some(slot) => slot.is_inside.store(false, Ordering::Release),
            None => drop(WITHOUT_SLOT.fetch_sub(1, Ordering::Release)),
        }
    }
}

/// Whether the calling thread is inside.
pub(crate) fn is_inside() -> bool {
    SLOT.get().is_some_and(|slot| slot.is_inside.load(Ordering::Relaxed))
}

/// Waits until no other thread is inside, or until `deadline`. Returns whether no thread is inside. The process must be ending.
pub(super) fn wait_for_others(deadline: Instant) -> bool {
    // A signal handler may call `exit` in the middle of a call, even while the thread holds the lock.
    let own = SLOT.get();
    let slots = loop {
        match SLOTS.try_lock() {
            Ok(slots) => break slots.clone(),
            Err(std::sync::TryLockError::Poisoned(slots)) => break slots.into_inner().clone(),
            Err(std::sync::TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(POLL_INTERVAL),
            Err(std::sync::TryLockError::WouldBlock) => return false,
        }
    };
    let others = || slots.iter().filter(|slot| own.is_none_or(|own| !std::ptr::eq(own, **slot)));
    if others().any(|slot| slot.is_taken.load(Ordering::Acquire)) {
        std::thread::sleep(STORE_DELAY);
    }
    while others().any(|slot| slot.is_inside.load(Ordering::Acquire)) || WITHOUT_SLOT.load(Ordering::Acquire) > 0 {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    !is_inside()
}
