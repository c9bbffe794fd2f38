//! Bytes on their way into the host's memory: what avx_read_async promised.
//!
//! The device copies into staging memory behind the work that the bytes depend on. From there the thread that learns, by a wait or a
//! query, that the device is done takes them into the caller's memory before it goes on; so no thread is kept for it, and the bytes
//! arrive in the caches of the one who asked.

use super::staging::Chunk;
use crate::runtime::api::device::Device;
use crate::runtime::base::error::Result;
use std::mem::MaybeUninit;

/// Where the bytes come from.
pub(crate) enum Source {
    /// A chunk of the ring for small reads.
    Small(Chunk),
    /// Memory taken for this alone.
    Own(Chunk),
}

/// Bytes that the device copies, and where they go then.
pub(crate) struct Delivery {
    pub(crate) source: Source,
    /// The caller's memory, which is the library's until the bytes are there.
    pub(crate) into: &'static mut [MaybeUninit<u8>],
    pub(crate) lane: u8,
    pub(crate) submission: u64,
}

/// All deliveries of a device.
#[derive(Default)]
pub(crate) struct Deliveries {
    waiting: Vec<Delivery>,
    /// Some thread copies so many now.
    busy: usize,
}

impl Deliveries {
    /// True if there is nothing to bring home, and nobody does.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.busy == 0
    }

    pub(crate) fn add(&mut self, delivery: Delivery) {
        self.waiting.push(delivery);
    }
}

impl Device {
    /// Brings home all bytes that the device has copied until now, and waits for other threads that do so.
    pub(crate) fn deliver(&self) -> Result<()> {
        let mut engine = self.lock();
        loop {
            if engine.deliveries.is_empty() {
                return Ok(());
            }
            for lane in 0..engine.lanes.len() {
                let polled = engine.lanes[lane].queue.completion().poll();
                polled.map_err(|e| engine.fail(e))?;
            }
            let done = engine.done();
            let ready: Vec<Delivery> = engine.deliveries.waiting.extract_if(.., |d| d.submission <= done[usize::from(d.lane)]).collect();
            if ready.is_empty() {
                if engine.deliveries.busy == 0 {
                    return Ok(());
                }
                engine = self.wait_for_change(engine);
                continue;
            }
            engine.deliveries.busy += 1;
            drop(engine);
            for delivery in ready {
                let Delivery { source: Source::Small(chunk) | Source::Own(chunk), into, .. } = &delivery;
                let bytes = into.len();
                let window = chunk.window();
                self.copy_out(window, delivery.into);
                debug_assert!(bytes > 0);
                let mut engine = self.lock();
                match delivery.source {
                    Source::Small(chunk) => engine.staging.small_readbacks.give_back(chunk, (delivery.lane, delivery.submission)),
                    Source::Own(chunk) => self.release(chunk.into_allocation()),
                }
            }
            engine = self.lock();
            engine.deliveries.busy -= 1;
            self.notify_change();
        }
    }
}
