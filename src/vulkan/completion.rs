//! Which submissions are done: by a timeline semaphore where the device has one, by fences in order where not.
//!
//! Submissions of a queue are numbered from 1 and finish in order. Waiting threads have one leader, which asks the driver (spinning
//! for a moment, then blocked there); the others sleep until it reports. Every blocking call is bounded by [`SLICE`], so that a
//! lost device is noticed.

use super::device::Device;
use super::error::{Error, Result};
use ash::vk;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest that a thread stays in the driver without coming up to look around.
const SLICE: Duration = Duration::from_secs(1);

/// How long a leader asks again and again before it blocks: a blocked wait ends some 20 us late, and short kernels take less.
const SPIN: Duration = Duration::from_micros(50);

/// Tells which submissions of one queue are done.
pub(crate) struct Completion {
    device: Arc<Device>,
    /// `None`: fences.
    timeline: Option<vk::Semaphore>,
    done: AtomicU64,
    state: Mutex<State>,
    progress: Condvar,
}

#[derive(Default)]
struct State {
    leader: bool,
    /// Fences in flight, with the submission that signals each, in order.
    fences: VecDeque<(u64, Arc<Fence>)>,
    spare: Vec<Arc<Fence>>,
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
    /// `device` is open; `timeline` says whether it has timeline semaphores.
    pub(crate) fn new(device: &Arc<Device>) -> Result<Completion> {
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
        Ok(Completion { device: device.clone(), timeline, done: AtomicU64::new(0), state: Mutex::default(), progress: Condvar::new() })
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

    /// Waits until submission `number` is done; false if `deadline` came first. Any number of threads may wait at once.
    pub(crate) fn wait(&self, number: u64, deadline: Option<Instant>) -> Result<bool> {
        let mut spin_until = None;
        loop {
            if self.done() >= number || self.poll()? >= number {
                return Ok(true);
            }
            let left = match deadline {
                None => SLICE,
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => left.min(SLICE),
                    _ => return Ok(false),
                },
            };
            let mut state = self.state();
            if state.leader {
                drop(self.progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner));
                continue;
            }
            state.leader = true;
            drop(state);
            let leadership = Leadership(self);
            let spin_until = *spin_until.get_or_insert_with(|| Instant::now() + SPIN.min(left));
            self.lead(number, spin_until, left)?;
            drop(leadership);
        }
    }

    /// As `wait`, but never spins and never leads: for a thread that must not stand in the way of those who wait for an answer.
    pub(crate) fn wait_quietly(&self, number: u64, deadline: Instant) -> Result<bool> {
        loop {
            if self.done() >= number || self.poll()? >= number {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.block(number, left.min(SLICE))?;
        }
    }

    /// Spins until `spin_until`, then blocks for the oldest submission in flight, at most `left`.
    fn lead(&self, number: u64, spin_until: Instant, left: Duration) -> Result<()> {
        while Instant::now() < spin_until {
            if self.poll()? >= number {
                return Ok(());
            }
            std::hint::spin_loop();
        }
        self.block(self.done() + 1, left)
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

/// Ends a thread's lead, however it ends, and wakes the others.
struct Leadership<'a>(&'a Completion);

impl Drop for Leadership<'_> {
    fn drop(&mut self) {
        self.0.state().leader = false;
        self.0.progress.notify_all();
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
