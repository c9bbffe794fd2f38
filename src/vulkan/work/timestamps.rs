//! The device's clock: timestamps that commands write, and the conversion to the host's clock.
//!
//! A tick count may have as few as 36 bits (on Intel, where it wraps around every hour). Times are therefore compared modulo
//! [`TickClock::range`].

use super::commands::Commands;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, Result};
use ash::vk;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The number of timestamps in a query pool.
const POOL: u32 = 256;

/// The clock of a device's queue family, and the queries for its timestamps. Clones share both.
#[derive(Clone)]
pub(crate) struct Stamps(Arc<Shared>);

struct Shared {
    device: Arc<Device>,
    clock: TickClock,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    pools: Vec<vk::QueryPool>,
    free: Vec<(vk::QueryPool, u32)>,
}

/// The conversion of ticks to nanoseconds, and the range after which ticks wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TickClock {
    /// The valid bits of a tick count.
    mask: u64,
    /// The number of nanoseconds in 2^32 ticks.
    period: u64,
}

/// A query for one timestamp. It may be dropped only after the submission that writes it is done.
pub(crate) struct Stamp {
    shared: Arc<Shared>,
    pool: vk::QueryPool,
    index: u32,
}

/// The point at which a timestamp is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StampStage {
    /// When the device reaches the command.
    Top,
    /// When all earlier commands are done.
    Bottom,
}

impl Stamps {
    /// Returns `None` if the device's queues have no clock.
    pub(crate) fn new(device: &Arc<Device>) -> Result<Option<Stamps>> {
        let snapshot = device.snapshot();
        let bits = snapshot.queue_families.get(device.queue_family() as usize).map_or(0, |family| family.timestamp_valid_bits);
        let clock = TickClock::new(bits, snapshot.limits().timestamp_period);
        Ok(clock.map(|clock| Stamps(Arc::new(Shared { device: device.clone(), clock, slots: Mutex::default() }))))
    }

    /// Takes a query for one timestamp.
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

    /// Reads the device's and the host's clock together. Returns the device's time and the host's time since `origin`, both in nanoseconds.
    pub(crate) fn calibrate(&self, origin: Instant) -> Option<(u64, u64)> {
        self.0.device.clocks(origin).map(|(ticks, host)| (self.0.clock.nanoseconds(ticks), host))
    }

    /// The nanoseconds from one time to a later one, which is less than 15/16 of the clock's range away; 0 if the later one seems to be
    /// slightly earlier.
    pub(crate) fn forward(&self, from: u64, to: u64) -> u64 {
        self.0.clock.forward(from, to)
    }

    /// The nanoseconds from one time to another, less than half of the clock's range apart. The result is negative if `to` is the earlier
    /// one.
    pub(crate) fn difference(&self, from: u64, to: u64) -> i64 {
        self.0.clock.difference(from, to)
    }

    /// Converts a device time to the host's time, both in nanoseconds. `pair` comes from `calibrate`, which may have been called long ago.
    /// `now` is a host time less than half of the clock's range away from the result.
    pub(crate) fn host(&self, pair: (u64, u64), now: u64, time: u64) -> u64 {
        self.0.clock.host(pair, now, time)
    }
}

impl TickClock {
    /// Returns `None` if the device has no timestamp bits, or reports an impossible period.
    fn new(bits: u32, period: f32) -> Option<TickClock> {
        // The product is exact: an f32 has 24 bits, and periods start at 2^-9 ns, which is half a terahertz.
        let period = f64::from(period) * f64::from(1 << 16) * f64::from(1 << 16);
        let mask = u64::MAX.checked_shr(64 - bits.min(64))?;
        (1.0..4e18).contains(&period).then(|| TickClock { mask, period: period.round() as u64 })
    }

    fn nanoseconds(self, ticks: u64) -> u64 {
        ((u128::from(ticks & self.mask) * u128::from(self.period)) >> 32) as u64
    }

    /// The number of nanoseconds after which times wrap around. `None` means 2^64, which is in effect never.
    fn range(self) -> Option<u64> {
        let range = (u128::from(self.mask) + 1).checked_mul(u128::from(self.period))? >> 32;
        u64::try_from(range).ok().filter(|&range| range > 0)
    }

    /// The distances from one time to another, forwards and backwards.
    fn distances(self, from: u64, to: u64) -> (u64, u64) {
        let forwards = |from: u64, to: u64| match self.range() {
            Some(range) if to < from => range.saturating_sub(from - to),
            _ => to.wrapping_sub(from),
        };
        (forwards(from, to), forwards(to, from))
    }

    fn forward(self, from: u64, to: u64) -> u64 {
        let (ahead, behind) = self.distances(from, to);
        let went_round = self.range().is_some_and(|range| behind > range / 16);
        if ahead <= behind || went_round { ahead } else { 0 }
    }

    fn difference(self, from: u64, to: u64) -> i64 {
        let (ahead, behind) = self.distances(from, to);
        let signed = |distance| i64::try_from(distance).unwrap_or(i64::MAX);
        if ahead <= behind { signed(ahead) } else { -signed(behind) }
    }

    fn host(self, (device, host): (u64, u64), now: u64, time: u64) -> u64 {
        // Approximately the time that the device's clock shows now.
        let shows = i128::from(device) + i128::from(now) - i128::from(host);
        let shows = shows.rem_euclid(self.range().map_or(1 << 64, i128::from)) as u64;
        now.saturating_add_signed(self.difference(shows, time))
    }
}

impl Stamp {
    /// The timestamp in nanoseconds. The device's clock starts at any value and wraps around at its range (see [`Stamps::difference`]).
    /// Returns `None` if the timestamp has not been written yet.
    pub(crate) fn read(&self) -> Result<Option<u64>> {
        let mut ticks = [0u64];
        // SAFETY: the pool is this device's and alive; its query was reset by the commands that write it, whose submission is done.
        let read =
            unsafe { self.shared.device.raw().get_query_pool_results(self.pool, self.index, &mut ticks, vk::QueryResultFlags::TYPE_64) };
        match read {
            Ok(()) => Ok(Some(self.shared.clock.nanoseconds(ticks[0]))),
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
            // SAFETY: the pool was created by this device; no stamp is left, so by their contract no submission writes to it.
            unsafe { self.device.raw().destroy_query_pool(pool, None) };
        }
    }
}

impl Commands {
    /// Records the writing of a timestamp.
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

#[cfg(test)]
mod tests;
