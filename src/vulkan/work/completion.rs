//! Which submissions are done: by a timeline semaphore where the device has one, by fences in order where not.
//!
//! Submissions of a queue have ascending numbers and finish in order. Of the threads that wait for a queue one leads: it spins for a
//! moment or blocks in the driver, for the first submission that any of them waits for, and wakes those whose turn has come. The others
//! sleep. One in the driver is not only enough: of several that NVIDIA's driver 580 blocks at once some wake 10 ms late (seen on an H100,
//! where reads by eight threads took 10 or 20 ms instead of one).
//!
//! Every blocking call is bounded by [`SLICE`], so that a lost device is noticed.

use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, ErrorKind, Result};
use ash::vk;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest that a thread stays in the driver without coming up to look around.
const SLICE: Duration = Duration::from_secs(1);

/// A sleeping thread looks for itself after so long.
const LOOK: Duration = Duration::from_millis(2);

/// How the threads of one device wait: at most one of them spins, for a bounded time, because a blocked wait ends some 20 us late and
/// short kernels take less. Shared by the device's completions.
pub(crate) struct Spin {
    /// How long a thread asks again and again before it blocks.
    duration: Duration,
    /// A thread is doing so.
    taken: AtomicBool,
}

impl Spin {
    pub(crate) fn new(duration: Duration) -> Arc<Spin> {
        Arc::new(Spin { duration, taken: AtomicBool::new(false) })
    }

    /// Calls `is_done` again and again for a moment, unless another thread of the device does so. Whether it gave true.
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

/// Tells which submissions of one queue are done.
pub(crate) struct Completion {
    device: Arc<Device>,
    /// `None`: fences.
    timeline: Option<vk::Semaphore>,
    done: AtomicU64,
    /// The last submission that is on its way.
    sent: AtomicU64,
    /// Threads that wait.
    waiting: AtomicU32,
    /// Numbers that were given out and will never be submitted: none, nearly always.
    lost: Mutex<Vec<u64>>,
    any_lost: AtomicBool,
    state: Mutex<State>,
    spin: Arc<Spin>,
}

#[derive(Default)]
struct State {
    /// A thread leads.
    is_led: bool,
    /// The threads that sleep meanwhile.
    waiters: Vec<Waiter>,
    /// Fences in flight, with the submission that signals each, in order.
    fences: VecDeque<(u64, Arc<Fence>)>,
    spare: Vec<Arc<Fence>>,
}

/// A sleeping thread, and what it waits for.
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

    /// Wakes them and, if no thread leads, one that will.
    fn hand_over(&mut self, done: u64, sent: u64) {
        self.wake(done);
        if !self.is_led
            && let Some(next) = self.first(sent)
        {
            self.waiters.swap_remove(next).wake();
        }
    }

    /// The sleeping thread with the first submission that is on its way.
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

/// A fence, destroyed with its last user.
pub(crate) struct Fence {
    device: Arc<Device>,
    raw: vk::Fence,
}

impl Drop for Fence {
    fn drop(&mut self) {
        // SAFETY: the fence was made by this device, and the last `Arc` of it goes here, so nobody waits on it.
        unsafe { self.device.raw().destroy_fence(self.raw, None) };
    }
}

/// What a submission signals when it is done.
pub(crate) enum Signal {
    /// This value of this timeline semaphore.
    Timeline(vk::Semaphore, u64),
    /// This fence.
    Fence(Arc<Fence>),
}

impl Signal {
    /// The fence to submit with, or none.
    pub(super) fn fence(&self) -> vk::Fence {
        match self {
            Signal::Timeline(..) => vk::Fence::null(),
            Signal::Fence(fence) => fence.raw,
        }
    }
}

impl Completion {
    /// For one queue of an open device.
    pub(crate) fn new(device: &Arc<Device>, spin: &Arc<Spin>) -> Result<Completion> {
        let timeline = if device.features().timeline_semaphore {
            let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE).initial_value(0);
            let info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
            // SAFETY: the device has the timelineSemaphore feature, enabled; the infos live through the call.
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

    /// What submission `number` has to signal. Nobody waits for a fence of it before `submitted` says so: a submission and a wait must
    /// not use one fence at the same time.
    pub(crate) fn signal(&self, number: u64) -> Result<Signal> {
        if let Some(semaphore) = self.timeline {
            return Ok(Signal::Timeline(semaphore, number));
        }
        let mut state = self.state();
        // A spare fence may still be in the hands of a leader that waits on it; only one that nobody else holds is reset.
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

    /// Submission `number` is on its way and will signal this. Numbers come in order.
    pub(crate) fn submitted(&self, number: u64, signal: Signal) {
        if let Signal::Fence(fence) = signal {
            self.state().fences.push_back((number, fence));
        }
        self.sent.store(number, Ordering::Release);
    }

    /// The last submission that is on its way.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// Submission `number` failed and never comes: who waits for it is told.
    pub(crate) fn lose(&self, number: u64) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        self.any_lost.store(true, Ordering::Release);
    }

    fn check_lost(&self, number: u64) -> Result<()> {
        if self.any_lost.load(Ordering::Acquire) && self.lost.lock().unwrap_or_else(PoisonError::into_inner).contains(&number) {
            return Err(Error::new(ErrorKind::Driver, "the driver refused the submission that the wait was for"));
        }
        Ok(())
    }

    /// How many threads wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether a thread may wait for a submission before it is on its way.
    pub(crate) fn may_wait_before(&self) -> bool {
        self.timeline.is_some()
    }

    /// The last submission known to be done, without asking the driver.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// Asks the driver, without waiting, for the last submission that is done.
    pub(crate) fn poll(&self) -> Result<u64> {
        if let Some(semaphore) = self.timeline {
            let value = self.device.timeline_value(semaphore)?;
            self.done.fetch_max(value, Ordering::AcqRel);
            return Ok(self.done());
        }
        let mut state = self.state();
        while let Some((number, fence)) = state.fences.front() {
            // SAFETY: the fence is alive as long as its `Arc` in the queue.
            let signaled = unsafe { self.device.raw().get_fence_status(fence.raw) }.map_err(|e| Error::of("vkGetFenceStatus", e))?;
            if !signaled {
                break;
            }
            self.done.fetch_max(*number, Ordering::AcqRel);
            if let Some((_, fence)) = state.fences.pop_front() {
                state.spare.push(fence);
            }
        }
        Ok(self.done())
    }

    /// The semaphore whose value tells what is done, for other queues to wait for.
    pub(super) fn timeline(&self) -> Option<vk::Semaphore> {
        self.timeline
    }

    /// Waits until submission `number` is done; false if `deadline` came first. Any number of threads may wait at once. A submission that is
    /// not on its way yet must come, or be lost (`lose`): which is an error here.
    pub(crate) fn wait(&self, number: u64, deadline: Option<Instant>) -> Result<bool> {
        let is_done = self.done() >= number || self.wait_longer(number, deadline)?;
        self.check_lost(number)?;
        Ok(is_done)
    }

    fn wait_longer(&self, number: u64, deadline: Option<Instant>) -> Result<bool> {
        let _waiting = Waiting::new(&self.waiting);
        // Who has slept may have been woken to lead. If it need not, another one will.
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
                let _lead = Lead(self);
                return self.lead(number, deadline);
            }
            slept.get_or_insert_with(|| Sleeper(self));
            let woken = Arc::new(AtomicBool::new(false));
            state.waiters.push(Waiter { number, thread: std::thread::current(), woken: woken.clone() });
            drop(state);
            // The leader may have looked through the sleepers just before.
            if self.done() >= number {
                self.forget(&woken);
                continue;
            }
            self.sleep(number, &woken, left);
        }
    }

    /// Waits for the first submission that any thread waits for, again and again, until `number` is done.
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
            // As long as submissions end soon, it is worth it.
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

    /// Sleeps until woken or submission `number` is done, `left` at most. It looks now and then itself.
    fn sleep(&self, number: u64, woken: &Arc<AtomicBool>, left: Duration) {
        let until = Instant::now() + left;
        while !woken.load(Ordering::Acquire) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.forget(woken);
                return;
            }
            std::thread::park_timeout(left.min(LOOK));
            if self.poll().is_ok_and(|done| done >= number) {
                self.forget(woken);
                return;
            }
        }
    }

    /// Blocks in the driver until submission `number` is done, or (with fences) the oldest one in flight; at most `left`.
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

/// How long a blocking call may take: `None` if the deadline is over.
fn left_until(deadline: Option<Instant>) -> Option<Duration> {
    match deadline {
        None => Some(SLICE),
        Some(deadline) => deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).map(|left| left.min(SLICE)),
    }
}

/// Waits until one of several submissions is done; its index, or `None` if `deadline` came first. Does not spin if `quiet`.
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
            // Several devices, or fences of several queues: the driver has no call for that.
            _ => {
                std::thread::sleep(pause.min(left));
                pause = (pause * 2).min(Duration::from_millis(1));
            }
        }
    }
}

/// A thread's wait, counted.
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

/// A thread's lead: however it ends, those who can go on are woken, and another one to lead.
struct Lead<'a>(&'a Completion);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_led = false;
        state.hand_over(self.0.done(), self.0.sent());
    }
}

/// A thread that has slept, and goes.
struct Sleeper<'a>(&'a Completion);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.state().hand_over(self.0.done(), self.0.sent());
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(semaphore) = self.timeline {
            // SAFETY: whoever drops the queue has waited for its submissions, so none will signal it, and nobody holds `self`.
            unsafe { self.device.raw().destroy_semaphore(semaphore, None) };
        }
    }
}

#[cfg(test)]
mod tests;
