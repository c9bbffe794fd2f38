//! The device's clock: timestamps that commands write, and how that clock relates to the host's.

use super::commands::Commands;
use super::device::Device;
use super::error::{Error, Result};
use ash::vk;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Timestamps in one query pool.
const POOL: u32 = 256;

/// The clock of a device's queue family, and the queries that hold its times. Clones share them.
#[derive(Clone)]
pub(crate) struct Stamps(Arc<Shared>);

struct Shared {
    device: Arc<Device>,
    /// Bits of a tick count that mean something.
    mask: u64,
    /// Nanoseconds in 2^20 ticks.
    period: u64,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    pools: Vec<vk::QueryPool>,
    free: Vec<(vk::QueryPool, u32)>,
}

/// A place for one time. Whoever drops it has waited for the submission that writes it.
pub(crate) struct Stamp {
    shared: Arc<Shared>,
    pool: vk::QueryPool,
    index: u32,
}

/// When a timestamp is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StampStage {
    /// When the device gets there.
    Top,
    /// When all commands before are done.
    Bottom,
}

impl Stamps {
    /// `None` if the device's queues have no clock.
    pub(crate) fn new(device: &Arc<Device>) -> Result<Option<Stamps>> {
        let snapshot = device.snapshot();
        let bits = snapshot.queue_families.get(device.queue_family() as usize).map_or(0, |family| family.timestamp_valid_bits);
        let period = f64::from(snapshot.limits().timestamp_period) * f64::from(1 << 20);
        if bits == 0 || !(1.0..1e15).contains(&period) {
            return Ok(None);
        }
        let mask = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
        let shared = Shared { device: device.clone(), mask, period: period.round() as u64, slots: Mutex::default() };
        Ok(Some(Stamps(Arc::new(shared))))
    }

    /// A place for a time.
    pub(crate) fn take(&self) -> Result<Stamp> {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.free.is_empty() {
            let info = vk::QueryPoolCreateInfo::default().query_type(vk::QueryType::TIMESTAMP).query_count(POOL);
            // SAFETY: the device is alive, and its queue family has timestamps.
            let pool = unsafe { self.0.device.raw().create_query_pool(&info, None) }.map_err(|e| Error::of("vkCreateQueryPool", e))?;
            self.0.device.set_name(pool, "avx_gpu timestamps");
            slots.pools.push(pool);
            slots.free.extend((0..POOL).rev().map(|index| (pool, index)));
        }
        match slots.free.pop() {
            Some((pool, index)) => Ok(Stamp { shared: self.0.clone(), pool, index }),
            None => Err(Error::of("vkCreateQueryPool", vk::Result::ERROR_OUT_OF_HOST_MEMORY)),
        }
    }

    /// The host's time at a device time, by a pair of times that were read together; both in nanoseconds.
    pub(crate) fn calibrate(&self, origin: Instant) -> Option<(u64, u64)> {
        self.0.device.clocks(origin).map(|(ticks, host)| (self.0.nanoseconds(ticks), host))
    }
}

impl Shared {
    fn nanoseconds(&self, ticks: u64) -> u64 {
        ((u128::from(ticks & self.mask) * u128::from(self.period)) >> 20) as u64
    }
}

impl Stamp {
    /// The time in nanoseconds of the device's clock, which starts anywhere; `None` if it has not been taken yet.
    pub(crate) fn read(&self) -> Result<Option<u64>> {
        let mut ticks = [0u64];
        // SAFETY: the pool is this device's and alive; its query was reset by the commands that write it, whose submission is done.
        let read =
            unsafe { self.shared.device.raw().get_query_pool_results(self.pool, self.index, &mut ticks, vk::QueryResultFlags::TYPE_64) };
        match read {
            Ok(()) => Ok(Some(self.shared.nanoseconds(ticks[0]))),
            Err(vk::Result::NOT_READY) => Ok(None),
            Err(e) => Err(Error::of("vkGetQueryPoolResults", e)),
        }
    }
}

impl Drop for Stamp {
    fn drop(&mut self) {
        self.shared.slots.lock().unwrap_or_else(PoisonError::into_inner).free.push((self.pool, self.index));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for pool in self.slots.get_mut().unwrap_or_else(PoisonError::into_inner).pools.drain(..) {
            // SAFETY: made by this device; no stamp is left, so by their contract no submission writes it.
            unsafe { self.device.raw().destroy_query_pool(pool, None) };
        }
    }
}

impl Commands {
    /// Takes the time at this place.
    pub(crate) fn stamp(&mut self, stamp: &Stamp, stage: StampStage) {
        let stage = match stage {
            StampStage::Top => vk::PipelineStageFlags::TOP_OF_PIPE,
            StampStage::Bottom => vk::PipelineStageFlags::BOTTOM_OF_PIPE,
        };
        let (device, commands) = self.parts();
        // SAFETY: the command buffer is being recorded, outside of any render pass; the query is this stamp's alone, and each stamp is
        // written once.
        unsafe {
            device.raw().cmd_reset_query_pool(commands, stamp.pool, stamp.index, 1);
            device.raw().cmd_write_timestamp(commands, stage, stamp.pool, stamp.index);
        }
    }
}
