//! The tail thread of a device: submits work that was held back as soon as the device drains, whether or not the program calls.
//!
//! It starts with the first tail, sleeps while there is none, and ends with the device.

use super::device::Device;
use crate::vulkan::host;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Starts the thread.
pub(crate) fn spawn(device: Arc<Device>) -> std::io::Result<JoinHandle<()>> {
    host::spawn("avx_gpu tail", Some(256 << 10), move || watch(&device))
}

fn watch(device: &Device) {
    loop {
        let number = {
            let mut engine = device.lock();
            while !engine.stop && !engine.has_tail() {
                engine = device.tail.wait(engine).unwrap_or_else(PoisonError::into_inner);
            }
            if engine.stop {
                return;
            }
            engine.submitted()
        };
        // A failure (a lost device) is kept by the engine and told to the next caller. The deadline lets `stop` be noticed.
        let drained = device.completion().wait_quietly(number, Instant::now() + Duration::from_secs(1));
        let mut engine = device.lock();
        match drained {
            Ok(true) => engine.submit_if_idle(),
            Ok(false) => {}
            Err(e) => drop(engine.fail(e)),
        }
    }
}
