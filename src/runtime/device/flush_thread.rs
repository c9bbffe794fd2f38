//! The tail thread of a device: submits work that was held back as soon as the device drains, whether or not the program calls.
//!
//! It starts with the first tail, sleeps while there is none, and ends with the device. To wake it costs the program microseconds, so it
//! does not go to sleep between the batches of a program that is at work: it naps. While the program records, it keeps away from the
//! scheduler's lock and from the driver, whose waits and submissions stand in each other's way: to look at the device then made dispatches
//! twice as dear on an H200.

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

/// Between two looks at the program. One that records nothing for so long has turned to something else.
const POLL_INTERVAL: Duration = Duration::from_micros(50);

/// A queue whose batch has been open for so many naps in a row gets its commands too slowly to notice that its queue has drained.
const SLOW_POLLS: u32 = 4;

/// After so many naps in a row in which nothing was recorded, and with no tail to watch, the thread sleeps.
const IDLE_POLLS: u32 = 20;

impl Device {
    /// After recording: submits what should go now, and has the rest watched.
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

    /// For each queue the number of the batch that is open, 0 for none. Without the scheduler's lock.
    pub(crate) fn begun(&self) -> QueueSeqs {
        std::array::from_fn(|queue| self.begun[queue].load(Ordering::Relaxed))
    }

    /// Wakes the tail thread, or starts it; false if there is none to have.
    fn wake_flush_thread(self: &Arc<Self>) -> bool {
        let mut thread = self.flush_thread.lock();
        if thread.is_none() {
            match spawn(self.clone()) {
                Ok(handle) => *thread = Some(handle),
                // Without the thread the tail goes with the next call that waits or fills the batch.
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
    // With several queues a tail may come up in one while this waits for another.
    let look = Duration::from_millis(if device.queue_count > 1 { 1 } else { 100 });
    // The batches that were open at the last look, and for how many naps.
    let (mut begun, mut polls, mut quiet) = (QueueSeqs::default(), [0; MAX_QUEUES], 0);
    loop {
        let before = device.recorded();
        std::thread::sleep(POLL_INTERVAL);
        let now = device.begun();
        for (queue, polls) in polls.iter_mut().enumerate() {
            *polls = if now[queue] != 0 && now[queue] == begun[queue] { *polls + 1 } else { 0 };
        }
        begun = now;
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
        quiet = 0;
        // A failure (a lost device) is kept by the scheduler and told to the next caller. The deadline lets `stop` be noticed.
        let drained = wait_first(&points, Some(Instant::now() + look), true);
        if matches!(drained, Ok(Some(_))) && !is_slow && device.recorded() != recorded {
            // The program is at work again.
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
