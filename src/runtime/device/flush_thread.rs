//! The flush thread of a device: it submits work that was held back as soon as the device has drained, whether or not the program makes
//! another call.
//!
//! The thread starts when work is held back for the first time, sleeps while none is, and ends with the device. To wake a sleeping thread
//! costs the program microseconds, so the thread does not sleep between the batches of a program that is at work: it polls. While the
//! program records, the thread keeps away from the scheduler's lock and from the driver, because the driver's waits and submissions delay
//! each other. To look at the device then made dispatches twice as slow on an H200.

use super::core::Device;
use crate::runtime::base::error::Result;
use crate::runtime::base::log;
use crate::runtime::schedule::hazard::{MAX_QUEUES, QueueSeqs};
use crate::runtime::schedule::scheduler::Scheduler;
use crate::runtime::schedule::stream_state::StreamState;
use crate::sys;
use crate::vulkan::wait_first;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The time between two looks at the program. A program that records nothing for this long does something else.
const POLL_INTERVAL: Duration = Duration::from_micros(50);

/// A queue whose batch has been open for this many polls in a row gets its commands too slowly to notice that it has drained.
const SLOW_POLLS: u32 = 4;

/// After this many polls in a row with nothing recorded and nothing held back, the thread sleeps.
const IDLE_POLLS: u32 = 20;

impl Device {
    /// After a command was recorded: submits what should be submitted now, and has the flush thread watch the rest.
    pub(crate) fn after_recording(self: &Arc<Self>, scheduler: &mut Scheduler, stream: &Arc<StreamState>) -> Result<()> {
        self.recorded.store(self.recorded.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        if scheduler.submit_policy(stream)? {
            scheduler.flush_thread_sleeps = !self.wake_flush_thread();
        }
        self.reap(scheduler);
        Ok(())
    }

    /// How often something was recorded.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// For each queue the number of its open batch, 0 if there is none. Takes no lock.
    pub(crate) fn open_batches(&self) -> QueueSeqs {
        std::array::from_fn(|queue| self.open_batches[queue].load(Ordering::Relaxed))
    }

    /// Wakes the flush thread, or starts it. False if it cannot be started.
    fn wake_flush_thread(self: &Arc<Self>) -> bool {
        let mut thread = self.flush_thread.lock();
        if thread.is_none() {
            match spawn(self.clone()) {
                Ok(handle) => *thread = Some(handle),
                // Without the thread, the work is submitted by the next call that waits or fills the batch.
                Err(e) => self.compile.log.line(log::Level::Warn, format!("no thread to submit held-back work: {e}")),
            }
        }
        self.flush_wanted.notify_one();
        thread.is_some()
    }
}

/// Starts the thread.
fn spawn(device: Arc<Device>) -> std::io::Result<JoinHandle<()>> {
    sys::spawn("avx_gpu flush", Some(256 << 10), move || watch(&device))
}

fn watch(device: &Device) {
    // With several queues, one may hold work back while the thread waits for another.
    let look = Duration::from_millis(if device.queue_count > 1 { 1 } else { 100 });
    // The batches that were open at the last poll, and for how many polls each has been open.
    let (mut open_batches, mut polls, mut quiet) = (QueueSeqs::default(), [0; MAX_QUEUES], 0);
    loop {
        let before = device.recorded();
        std::thread::sleep(POLL_INTERVAL);
        let now = device.open_batches();
        for (queue, polls) in polls.iter_mut().enumerate() {
            *polls = if now[queue] != 0 && now[queue] == open_batches[queue] { *polls + 1 } else { 0 };
        }
        open_batches = now;
        let is_slow = polls.iter().any(|polls| *polls >= SLOW_POLLS);
        if device.recorded() != before {
            quiet = 0;
            if !is_slow {
                continue;
            }
        }
        let (points, recorded) = {
            let mut scheduler = device.lock();
            while quiet >= IDLE_POLLS && !scheduler.stop && !scheduler.has_unsubmitted() {
                scheduler.flush_thread_sleeps = true;
                scheduler = scheduler.wait(&device.flush_wanted);
            }
            scheduler.flush_thread_sleeps = false;
            if scheduler.stop {
                return;
            }
            (scheduler.has_unsubmitted().then(|| scheduler.before_unsubmitted()), device.recorded())
        };
        let Some(points) = points else {
            quiet += 1;
            continue;
        };
        // The end of the process waits for the thread from here on, and the thread ends with it.
        let Some(_inside) = sys::enter() else { return };
        quiet = 0;
        // The scheduler keeps a failure (a lost device), and the next caller gets it. The deadline lets the thread notice `stop`.
        let drained = wait_first(&points, Some(Instant::now() + look), true);
        if matches!(drained, Ok(Some(_))) && !is_slow && device.recorded() != recorded {
            // The program records again.
            continue;
        }
        polls = [0; MAX_QUEUES];
        let mut scheduler = device.lock();
        match drained {
            Ok(Some(_)) => scheduler.submit_idle(),
            Ok(None) => {}
            Err(e) => drop(scheduler.fail(e)),
        }
    }
}
