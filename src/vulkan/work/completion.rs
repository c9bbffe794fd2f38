//! Knows which submissions of a queue are done: by a timeline semaphore if the device supports them, else by fences in order.
//!
//! Submissions of a queue have ascending numbers and finish in order. One of the threads that wait for a queue is the leader. It waits for
//! the first submission that any of the threads waits for: it spins for a short time or blocks in the driver. Then it wakes the threads
//! whose submissions are done. The other threads sleep. More than one thread in the driver would do harm: if NVIDIA's driver 580 blocks
//! several threads at once, some of them wake 10 ms late (seen on an H100, where reads by eight threads took 10 or 20 ms instead of one).
//!
//! Every blocking call is bounded by [`MAX_BLOCK`], so that a lost device and the end of the process are noticed. Every wait ends as if its
//! deadline had passed once the process is ending.

use crate::sys::{self, DriverStep};
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, ErrorKind, Result};
use ash::vk;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest time that a thread blocks in the driver before it checks the state again. The end of the process waits for it.
const MAX_BLOCK: Duration = Duration::from_millis(200);

/// Up to this submission of a queue, what is done counts as first work, for which a driver may have loaded parts of itself.
const FIRST_WORK: u64 = 8;

/// A sleeping thread polls the driver itself after this time.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Limits the spinning of the threads of one device: at most one of them spins at a time, and for a bounded time. Spinning pays because a
/// blocked wait ends some 20 us late, and short kernels take less than that. The completions of a device share it.
pub(crate) struct Spin {
    /// How long a thread polls before it blocks.
    duration: Duration,
    /// Whether a thread spins now.
    taken: AtomicBool,
}

impl Spin {
    pub(crate) fn new(duration: Duration) -> Arc<Spin> {
        Arc::new(Spin { duration, taken: AtomicBool::new(false) })
    }

    /// Calls `is_done` repeatedly for a short time, unless another thread of the device spins already. Returns whether `is_done` returned
    /// true.
    fn until(&self, limit: Duration, mut is_done: impl FnMut() -> Result<bool>) -> Result<bool> {
        let duration = self.duration.min(limit);
        if duration.is_zero() || self.taken.swap(true, Ordering::Acquire) {
            return Ok(false);
        }
        let until = Instant::now() + duration;
        let outcome = loop {
            match is_done() {
                Ok(false) if Instant::now() < until => std::hint::spin_loop(),
                outcome => break outcome,
            }
        };
        self.taken.store(false, Ordering::Release);
        outcome
    }
}

/// Knows which submissions of one queue are done.
pub(crate) struct Completion {
    device: Arc<Device>,
    /// The timeline semaphore; `None`: fences are used.
    timeline: Option<vk::Semaphore>,
    done: AtomicU64,
    /// The last submission that has been submitted to Vulkan.
    sent: AtomicU64,
    /// The number of threads that wait.
    waiting: AtomicU32,
    /// Numbers whose submission failed. This is nearly always empty.
    lost: Mutex<Vec<u64>>,
    any_lost: AtomicBool,
    state: Mutex<State>,
    spin: Arc<Spin>,
}

#[derive(Default)]
struct State {
    /// Whether a thread is the leader.
    is_led: bool,
    /// The threads that sleep.
    waiters: Vec<Waiter>,
    /// The fences in flight, in order, each with the number of its submission.
    fences: VecDeque<(u64, Arc<Fence>)>,
    spare: Vec<Arc<Fence>>,
}

/// A sleeping thread, and the number that it waits for.
struct Waiter {
    number: u64,
    thread: std::thread::Thread,
    woken: Arc<AtomicBool>,
}

impl State {
    /// Wakes the threads whose submissions are done.
    fn wake(&mut self, done: u64) {
        for waiter in self.waiters.extract_if(.., |waiter| waiter.number <= done) {
            waiter.wake();
        }
    }

    /// Wakes the threads whose submissions are done. If there is no leader, it also wakes a thread that becomes the leader.
    fn hand_over(&mut self, done: u64, sent: u64) {
        self.wake(done);
        if !self.is_led
            && let Some(next) = self.first(sent)
        {
            self.waiters.swap_remove(next).wake();
        }
    }

    /// The sleeping thread that waits for the earliest submission which has been submitted.
    fn first(&self, sent: u64) -> Option<usize> {
        (0..self.waiters.len()).filter(|&i| self.waiters[i].number <= sent).min_by_key(|&i| self.waiters[i].number)
    }
}

impl Waiter {
    fn wake(self) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A fence. It is destroyed with its last user.
pub(crate) struct Fence {
    device: Arc<Device>,
    raw: vk::Fence,
}

impl Drop for Fence {
    fn drop(&mut self) {
        // SAFETY: the fence was created by this device, and this drops its last `Arc`, so no thread waits for it.
        unsafe { self.device.raw().destroy_fence(self.raw, None) };
    }
}

/// The object that a submission signals when it is done.
pub(crate) enum Signal {
    /// This value of this timeline semaphore.
    Timeline(vk::Semaphore, u64),
    /// This fence.
    Fence(Arc<Fence>),
}

impl Signal {
    /// The fence to submit with, or null.
    pub(super) fn fence(&self) -> vk::Fence {
        match self {
            Signal::Timeline(..) => vk::Fence::null(),
            Signal::Fence(fence) => fence.raw,
        }
    }
}

impl Completion {
    /// Creates the completion of one queue of an open device.
    pub(crate) fn new(device: &Arc<Device>, spin: &Arc<Spin>) -> Result<Completion> {
        let timeline = if device.features().timeline_semaphore {
            let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE).initial_value(0);
            let info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
            // SAFETY: the feature timelineSemaphore is enabled; the infos live through the call.
            let semaphore = unsafe { device.raw().create_semaphore(&info, None) }.map_err(|e| Error::of("vkCreateSemaphore", e))?;
            device.set_name(semaphore, "avx_gpu completion");
            Some(semaphore)
        } else {
            None
        };
        Ok(Completion {
            device: device.clone(),
            timeline,
            done: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            waiting: AtomicU32::new(0),
            lost: Mutex::default(),
            any_lost: AtomicBool::new(false),
            state: Mutex::default(),
            spin: spin.clone(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object that submission `number` has to signal. No thread waits for its fence before `submitted` was called, because a submission
    /// and a wait must not use a fence at the same time.
    pub(crate) fn signal(&self, number: u64) -> Result<Signal> {
        if let Some(semaphore) = self.timeline {
            return Ok(Signal::Timeline(semaphore, number));
        }
        let mut state = self.state();
        // A leader may still wait for a spare fence. Only a fence that no other thread holds is reset.
        let spare = state.spare.iter().position(|f| Arc::strong_count(f) == 1).map(|i| state.spare.swap_remove(i));
        let fence = match spare {
            Some(fence) => {
                // SAFETY: the fence has been signaled, belongs to no submission, and no other thread holds it.
                unsafe { self.device.raw().reset_fences(&[fence.raw]) }.map_err(|e| Error::of("vkResetFences", e))?;
                fence
            }
            None => {
                // SAFETY: the device is alive.
                let raw = unsafe { self.device.raw().create_fence(&vk::FenceCreateInfo::default(), None) }
                    .map_err(|e| Error::of("vkCreateFence", e))?;
                self.device.set_name(raw, "avx_gpu completion");
                Arc::new(Fence { device: self.device.clone(), raw })
            }
        };
        Ok(Signal::Fence(fence))
    }

    /// Reports that submission `number` has been submitted and will signal `signal`. Numbers must ascend.
    pub(crate) fn submitted(&self, number: u64, signal: Signal) {
        if let Signal::Fence(fence) = signal {
            self.state().fences.push_back((number, fence));
        }
        self.sent.store(number, Ordering::Release);
    }

    /// The last submission that has been submitted to Vulkan.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// Reports that submission `number` failed. Waits for it return an error.
    pub(crate) fn lose(&self, number: u64) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        self.any_lost.store(true, Ordering::Release);
    }

    fn check_lost(&self, number: u64) -> Result<()> {
        if self.any_lost.load(Ordering::Acquire) && self.lost.lock().unwrap_or_else(PoisonError::into_inner).contains(&number) {
            return Err(Error::new(ErrorKind::Driver, "the driver rejected the submission that this call waits for"));
        }
        Ok(())
    }

    /// The number of threads that wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether a thread may wait for a submission before it has been submitted.
    pub(crate) fn may_wait_before(&self) -> bool {
        self.timeline.is_some()
    }

    /// The last submission that is known to be done. Does not ask the driver.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// Asks the driver which submission was the last one to finish. Does not wait.
    pub(crate) fn poll(&self) -> Result<u64> {
        if let Some(semaphore) = self.timeline {
            let value = self.device.timeline_value(semaphore)?;
            self.reached(value);
            return Ok(self.done());
        }
        let mut state = self.state();
        while let Some((number, fence)) = state.fences.front() {
            // SAFETY: the fence is alive as long as its `Arc` in the queue.
            let signaled = unsafe { self.device.raw().get_fence_status(fence.raw) }.map_err(|e| Error::of("vkGetFenceStatus", e))?;
            if !signaled {
                break;
            }
            self.reached(*number);
            if let Some((_, fence)) = state.fences.pop_front() {
                state.spare.push(fence);
            }
        }
        Ok(self.done())
    }

    /// Submission `number` is done.
    fn reached(&self, number: u64) {
        let before = self.done.fetch_max(number, Ordering::AcqRel);
        if before < FIRST_WORK && number > before {
            // The driver may have loaded a part of itself for the work.
            sys::exit_before(DriverStep::Work(self.device.driver(), number.min(FIRST_WORK)));
        }
    }

    /// The timeline semaphore of the submissions, for waits of other queues.
    pub(super) fn timeline(&self) -> Option<vk::Semaphore> {
        self.timeline
    }

    /// Waits until submission `number` is done. Returns false if `deadline` passed first. Any number of threads may wait at once. If the
    /// submission has not been submitted yet, it must be submitted later, or reported as failed by `lose`, for which this returns an error.
    pub(crate) fn wait(&self, number: u64, deadline: Option<Instant>) -> Result<bool> {
        let is_done = self.done() >= number || self.wait_longer(number, deadline)?;
        self.check_lost(number)?;
        Ok(is_done)
    }

    fn wait_longer(&self, number: u64, deadline: Option<Instant>) -> Result<bool> {
        let _waiting = Waiting::new(&self.waiting);
        // A thread that slept may have been woken to become the leader. If it has no need to wait any more, it wakes another one.
        let mut slept = None;
        loop {
            if self.done() >= number || self.poll()? >= number {
                return Ok(true);
            }
            self.check_lost(number)?;
            let Some(left) = left_until(deadline) else { return Ok(false) };
            let mut state = self.state();
            if !state.is_led && number <= self.sent() {
                state.is_led = true;
                drop(state);
                let _lead = Leadership(self);
                return self.lead(number, deadline);
            }
            slept.get_or_insert_with(|| Sleeper(self));
            let woken = Arc::new(AtomicBool::new(false));
            state.waiters.push(Waiter { number, thread: std::thread::current(), woken: woken.clone() });
            drop(state);
            // The leader may have checked the sleeping threads just before this one was added.
            if self.done() >= number {
                self.forget(&woken);
                continue;
            }
            self.sleep(number, &woken, left);
        }
    }

    /// Waits for the first submission that any thread waits for, and repeats that until `number` is done.
    fn lead(&self, number: u64, deadline: Option<Instant>) -> Result<bool> {
        let mut last = u64::MAX;
        loop {
            let done = self.poll()?;
            let first = {
                let mut state = self.state();
                state.wake(done);
                state.first(self.sent()).map_or(number, |i| state.waiters[i].number.min(number))
            };
            if done >= number {
                return Ok(true);
            }
            self.check_lost(number)?;
            let Some(left) = left_until(deadline) else { return Ok(false) };
            // Spinning pays as long as submissions finish soon after each other.
            let spins = done != last;
            last = done;
            if !(spins && self.spin.until(left, || Ok(self.poll()? >= first))?) {
                self.block(first, left)?;
            }
        }
    }

    fn forget(&self, woken: &Arc<AtomicBool>) {
        self.state().waiters.retain(|w| !Arc::ptr_eq(&w.woken, woken));
    }

    /// Sleeps until the thread is woken or submission `number` is done, for at most `left`. It polls the driver now and then.
    fn sleep(&self, number: u64, woken: &Arc<AtomicBool>, left: Duration) {
        let until = Instant::now() + left;
        while !woken.load(Ordering::Acquire) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.forget(woken);
                return;
            }
            std::thread::park_timeout(left.min(POLL_INTERVAL));
            if self.poll().is_ok_and(|done| done >= number) {
                self.forget(woken);
                return;
            }
        }
    }

    /// Blocks in the driver until submission `number` is done, or with fences the oldest one in flight, for at most `left`.
    fn block(&self, number: u64, left: Duration) -> Result<()> {
        let timeout = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
        if let Some(semaphore) = self.timeline {
            self.device.wait_timeline(semaphore, number, timeout)?;
            return Ok(());
        }
        let oldest = self.state().fences.front().map(|(_, fence)| fence.clone());
        if let Some(fence) = oldest {
            // SAFETY: the `Arc` keeps the fence alive through the wait, and `signal` never resets one that is held here.
            match unsafe { self.device.raw().wait_for_fences(&[fence.raw], true, timeout) } {
                Ok(()) | Err(vk::Result::TIMEOUT) => {}
                Err(e) => return Err(Error::of("vkWaitForFences", e)),
            }
        }
        Ok(())
    }
}

/// How long a blocking call may take; `None` if the deadline has passed, or the process is ending.
fn left_until(deadline: Option<Instant>) -> Option<Duration> {
    match deadline {
        _ if sys::is_ending() => None,
        None => Some(MAX_BLOCK),
        Some(deadline) => deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).map(|left| left.min(MAX_BLOCK)),
    }
}

/// Waits until one of several submissions is done. Returns its index, or `None` if `deadline` passed first. Does not spin if `quiet` is
/// set.
pub(crate) fn wait_first(points: &[(Arc<Completion>, u64)], deadline: Option<Instant>, quiet: bool) -> Result<Option<usize>> {
    let look = || -> Result<Option<usize>> {
        for (i, (completion, number)) in points.iter().enumerate() {
            if completion.done() >= *number || completion.poll()? >= *number {
                return Ok(Some(i));
            }
        }
        Ok(None)
    };
    let mut pause = Duration::from_micros(20);
    let mut may_spin = !quiet;
    loop {
        if let Some(first) = look()? {
            return Ok(Some(first));
        }
        let (Some(left), Some((first, number))) = (left_until(deadline), points.first()) else { return Ok(None) };
        if std::mem::take(&mut may_spin) && first.spin.until(left, || Ok(look()?.is_some()))? {
            continue;
        }
        let semaphores: Option<Vec<_>> =
            points.iter().filter(|(c, _)| Arc::ptr_eq(&c.device, &first.device)).map(|(c, n)| Some((c.timeline?, *n))).collect();
        match semaphores {
            Some(semaphores) if semaphores.len() == points.len() => {
                let timeout = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
                first.device.wait_first_timeline(&semaphores, timeout)?;
            }
            _ if points.len() == 1 => first.block(*number, left)?,
            // The submissions belong to several devices, or have fences of several queues. Vulkan has no call that waits for those.
            _ => {
                std::thread::sleep(pause.min(left));
                pause = (pause * 2).min(Duration::from_millis(1));
            }
        }
    }
}

/// Counts a thread that waits.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Waiting<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The leadership of a thread. When it ends, in whatever way, the threads whose submissions are done are woken, and one that becomes the
/// leader.
struct Leadership<'a>(&'a Completion);

impl Drop for Leadership<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_led = false;
        state.hand_over(self.0.done(), self.0.sent());
    }
}

/// A thread that has slept and leaves the wait.
struct Sleeper<'a>(&'a Completion);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.state().hand_over(self.0.done(), self.0.sent());
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(semaphore) = self.timeline {
            // SAFETY: the queue is dropped only after its submissions are done, so none will signal the semaphore, and no other code holds
            // `self`.
            unsafe { self.device.raw().destroy_semaphore(semaphore, None) };
        }
    }
}

#[cfg(test)]
mod tests;
