//! The device's clock: timestamps that commands write, and how that clock relates to the host's.
//!
//! A tick count has as few as 36 bits (Intel, where it starts over each hour), so times are compared around that [`TickClock::range`].

use super::commands::Commands;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, Result};
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
    clock: TickClock,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    pools: Vec<vk::QueryPool>,
    free: Vec<(vk::QueryPool, u32)>,
}

/// How ticks become nanoseconds, and when they start over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TickClock {
    /// Bits of a tick count that mean something.
    mask: u64,
    /// Nanoseconds in 2^32 ticks.
    period: u64,
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
        let clock = TickClock::new(bits, snapshot.limits().timestamp_period);
        Ok(clock.map(|clock| Stamps(Arc::new(Shared { device: device.clone(), clock, slots: Mutex::default() }))))
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
        self.0.device.clocks(origin).map(|(ticks, host)| (self.0.clock.nanoseconds(ticks), host))
    }

    /// Nanoseconds from one time to another that came after it, by less than 15/16 of the clock's range; 0 if it seems a little earlier.
    pub(crate) fn forward(&self, from: u64, to: u64) -> u64 {
        self.0.clock.forward(from, to)
    }

    /// Nanoseconds from one time to another, either of which may be the later one, by less than half of the clock's range.
    pub(crate) fn difference(&self, from: u64, to: u64) -> i64 {
        self.0.clock.difference(from, to)
    }

    /// The host's time at a device time, both in nanoseconds. `pair`: what `calibrate` gave, however long ago; `now`: the host's time,
    /// less than half of the clock's range away.
    pub(crate) fn host(&self, pair: (u64, u64), now: u64, time: u64) -> u64 {
        self.0.clock.host(pair, now, time)
    }
}

impl TickClock {
    /// `None` if the device gives no bits, or a number of nanoseconds for a tick that cannot be.
    fn new(bits: u32, period: f32) -> Option<TickClock> {
        // Exact: an f32's 24 bits, from 2^-9 ns on, which is half a terahertz.
        let period = f64::from(period) * f64::from(1 << 16) * f64::from(1 << 16);
        let mask = u64::MAX.checked_shr(64 - bits.min(64))?;
        (1.0..4e18).contains(&period).then(|| TickClock { mask, period: period.round() as u64 })
    }

    fn nanoseconds(self, ticks: u64) -> u64 {
        ((u128::from(ticks & self.mask) * u128::from(self.period)) >> 32) as u64
    }

    /// Nanoseconds after which times start over; `None`: 2^64, in effect never.
    fn range(self) -> Option<u64> {
        let range = (u128::from(self.mask) + 1).checked_mul(u128::from(self.period))? >> 32;
        u64::try_from(range).ok().filter(|&range| range > 0)
    }

    /// How far it is from one time to another forwards, and backwards.
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
        // What the device's clock shows now, about.
        let shows = i128::from(device) + i128::from(now) - i128::from(host);
        let shows = shows.rem_euclid(self.range().map_or(1 << 64, i128::from)) as u64;
        now.saturating_add_signed(self.difference(shows, time))
    }
}

impl Stamp {
    /// The time in nanoseconds of the device's clock, which starts anywhere and starts over at its range (see [`Stamps::difference`]);
    /// `None` if it has not been taken yet.
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

#[cfg(test)]
mod tests;
