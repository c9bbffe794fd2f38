//! The tail thread of a device: submits work that was held back as soon as the device drains, whether or not the program calls.
//!
//! It starts with the first tail, sleeps while there is none, and ends with the device. To wake it costs the program microseconds, so it
//! does not go to sleep between the batches of a program that is at work.

use super::device::Device;
use super::hazard::Clock;
use crate::vulkan::{host, wait_first};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A program that records nothing for so long has turned to something else.
const CALM: Duration = Duration::from_micros(30);

/// After so many looks in a row in which nothing was recorded, and no tail to watch, the thread sleeps.
const LOOKS: u32 = 20;

/// Starts the thread.
pub(crate) fn spawn(device: Arc<Device>) -> std::io::Result<JoinHandle<()>> {
    host::spawn("avx_gpu tail", Some(256 << 10), move || watch(&device))
}

fn watch(device: &Device) {
    // With several lanes a tail may come up in one while this waits for another.
    let look = Duration::from_millis(if device.lane_count > 1 { 1 } else { 100 });
    // The batches that were open when this looked last.
    let mut seen = Clock::default();
    let mut quiet = 0;
    loop {
        let tail = {
            let mut engine = device.lock();
            while quiet >= LOOKS && !engine.stop && !engine.has_tail() {
                engine.tail_sleeps = true;
                engine = device.tail.wait(engine).unwrap_or_else(PoisonError::into_inner);
            }
            engine.tail_sleeps = false;
            if engine.stop {
                return;
            }
            engine.has_tail().then(|| (engine.before_tails(), engine.now()))
        };
        let Some((points, open)) = tail else {
            quiet = if device.is_active(CALM) { 0 } else { quiet + 1 };
            continue;
        };
        quiet = 0;
        // A failure (a lost device) is kept by the engine and told to the next caller. The deadline lets `stop` be noticed.
        let drained = wait_first(&points, Some(Instant::now() + look), true);
        if matches!(drained, Ok(Some(_))) && device.is_active(CALM) && open != seen {
            // The program is recording more, and looks for itself whether the queue has drained: to submit a few commands here would only
            // take the lock from it and make many small submissions of few large ones. Not for long, though: a program may record
            // so slowly that its batch would not be full for a while.
            seen = open;
            continue;
        }
        let mut engine = device.lock();
        match drained {
            Ok(Some(_)) => engine.submit_idle(),
            Ok(None) => {}
            Err(e) => drop(engine.fail(e)),
        }
    }
}
