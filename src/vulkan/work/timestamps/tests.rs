//! The clocks of real devices as numbers, and timestamps on whatever drivers the machine has.

use super::super::completion::Spin;
use super::super::queue::Queue;
use super::*;
use crate::vulkan::loader::instance_or_skip;
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// The clock of an Intel GPU.
fn intel() -> TickClock {
    TickClock::new(36, 83.333_336).unwrap()
}

/// The clock of NVIDIA, AMD and lavapipe.
fn wide(period: f32) -> TickClock {
    TickClock::new(64, period).unwrap()
}

#[test]
fn only_the_valid_bits_count() {
    for (bits, mask) in [(1, 1), (36, 0xf_ffff_ffff), (63, u64::MAX >> 1), (64, u64::MAX)] {
        assert_eq!(TickClock::new(bits, 1.0).unwrap().mask, mask);
    }
    assert_eq!(intel().nanoseconds(7 << 36 | 12), intel().nanoseconds(12));
    for (bits, period) in [(0, 1.0), (64, 0.0), (64, -1.0), (64, f32::NAN), (64, f32::INFINITY), (64, 1e10)] {
        assert_eq!(TickClock::new(bits, period), None, "{bits} bits of {period} ns");
    }
}

#[test]
fn periods_are_exact() {
    assert_eq!(wide(1.0).nanoseconds(u64::MAX), u64::MAX);
    assert_eq!(wide(10.0).nanoseconds(123_456_789_012_345_678), 1_234_567_890_123_456_780);
    assert_eq!(wide(0.5).nanoseconds(u64::MAX), u64::MAX / 2);
    // The f32 next to 250/3 is 10922667 / 2^17.
    let ticks = 0xf_ffff_ffff;
    assert_eq!(u128::from(intel().nanoseconds(ticks)), (u128::from(ticks) * 10_922_667) >> 17);
}

#[test]
fn differences_go_around_the_end() {
    assert_eq!((wide(1.0).range(), wide(10.0).range(), wide(0.5).range()), (None, None, Some(1 << 63)));
    let range = intel().range().unwrap();
    assert!((5726 * SECOND..5727 * SECOND).contains(&range), "an hour and a half: {range}");
    assert_eq!(intel().difference(1000, 3000), 2000);
    assert_eq!(intel().difference(3000, 1000), -2000);
    assert_eq!(intel().difference(range - 700, 300), 1000);
    assert_eq!(intel().difference(300, range - 700), -1000);
    assert_eq!(wide(1.0).difference(u64::MAX, 4), 5);
    assert_eq!(wide(1.0).difference(4, u64::MAX), -5);
}

#[test]
fn a_time_that_came_after_may_be_far_away() {
    let range = intel().range().unwrap();
    assert_eq!(intel().forward(1000, 3000), 2000);
    assert_eq!(intel().forward(range - 700, 300), 1000);
    assert_eq!(intel().forward(0, range / 4 * 3), range / 4 * 3);
    assert_eq!(intel().forward(range / 2, range / 4), range - (range / 2 - range / 4));
    // No clock wraps around in that time.
    assert_eq!(intel().forward(3000, 2900), 0);
    assert_eq!(wide(1.0).forward(3000, 2900), 0);
    assert_eq!(wide(1.0).forward(10_000 * SECOND, 0), 0, "a clock that started anew");
}

#[test]
fn the_hosts_time_at_a_time_of_the_device() {
    for clock in [intel(), wide(1.0)] {
        let range = clock.range().unwrap_or(u64::MAX);
        for device in [0, 5 * SECOND, range / 2, range - SECOND, range - 1] {
            // The pair is old, by up to many wraps of the clock.
            for age in [0, SECOND, 3000 * SECOND, 100_000 * SECOND] {
                let pair = (device, 77 * SECOND);
                let shows = |age: u64| (u128::from(device) + u128::from(age)).rem_euclid(clock.range().map_or(1 << 64, u128::from)) as u64;
                let now = pair.1 + age;
                assert_eq!(clock.host(pair, now, shows(age)), now);
                assert_eq!(clock.host(pair, now, shows(age + SECOND)), now + SECOND);
                if age > 0 {
                    assert_eq!(clock.host(pair, now, shows(age - SECOND)), now - SECOND);
                }
            }
        }
    }
    assert_eq!(wide(1.0).host((500, 100), 200, 0), 0, "nothing is before the origin");
}

/// Timestamps are in order and lie between two readings of the host's clock, also in slots that are reused.
#[test]
fn devices_take_the_time() {
    let Some(instance) = instance_or_skip(false) else { return };
    for snapshot in instance.snapshots().unwrap() {
        // The mock driver never signals anything.
        if snapshot.usable.is_err() || snapshot.name.contains("Mock") {
            continue;
        }
        let device = Arc::new(Device::open(Arc::clone(&instance), &snapshot, false, 1).unwrap());
        let Some(stamps) = Stamps::new(&device).unwrap() else {
            println!("skipped: '{}' has no clock", snapshot.name);
            continue;
        };
        let origin = Instant::now();
        let since = || u64::try_from(origin.elapsed().as_nanos()).unwrap();
        let mut queue = Queue::new(&device, 0, &Spin::new(Duration::ZERO)).unwrap();
        let mut last = None;
        for number in 1..4 {
            // More timestamps than one pool holds.
            let taken: Vec<Stamp> = (0..POOL + 4).map(|_| stamps.take().unwrap()).collect();
            let mut commands = queue.begin().unwrap();
            for (i, stamp) in taken.iter().enumerate() {
                commands.stamp(stamp, if i % 2 == 0 { StampStage::Top } else { StampStage::Bottom });
            }
            let before = since();
            queue.submit(Some(commands), None, &[], number).unwrap();
            assert!(queue.completion().wait(number, Some(Instant::now() + Duration::from_secs(60))).unwrap());
            queue.retire();
            let after = since();
            let times: Vec<u64> = taken.iter().map(|stamp| stamp.read().unwrap().unwrap()).collect();
            // A timestamp at the top of the pipe does not wait for the work before it.
            let bottoms: Vec<u64> = last.into_iter().chain(times.iter().skip(1).step_by(2).copied()).collect();
            let tops = times.chunks(2).map(|pair| (pair[0], pair[1]));
            for (a, b) in tops.chain(bottoms.iter().copied().zip(bottoms.iter().copied().skip(1))) {
                assert!(stamps.difference(a, b) >= 0, "{a} before {b}");
            }
            last = times.last().copied();
            if let Some(pair) = stamps.calibrate(origin) {
                let (first, last) = (stamps.host(pair, since(), times[0]), stamps.host(pair, since(), times[times.len() - 1]));
                let allowed = SECOND / 100;
                assert!(before <= first + allowed && last <= after + allowed, "{before} {first} {last} {after}");
            }
            assert_eq!(stamps.0.slots.lock().unwrap().pools.len(), 2);
        }
    }
}
