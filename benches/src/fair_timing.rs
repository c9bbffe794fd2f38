//! Fair timing: the sides of a comparison take turns, so that clocks, caches and other load of the machine affect them alike.

use crate::out::Out;
use std::fmt::Display;
use std::time::Instant;

/// The conversion of a sample's seconds to a value.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// Microseconds for each of this many things.
    Micros(f64),
    /// Nanoseconds for each of this many things.
    Nanos(f64),
    /// Milliseconds.
    Millis,
    /// Gigabytes (10^9) per second, for this many bytes.
    Gigabytes(f64),
    /// TFLOP/s, for this many operations.
    Teraflops(f64),
    /// The side returns the value itself, which is a ratio.
    Ratio,
    /// Thousands of things per second, for this many things.
    Thousands(f64),
}

impl Measure {
    /// The value for `seconds`.
    pub fn value(self, seconds: f64) -> f64 {
        match self {
            Measure::Micros(count) => seconds * 1e6 / count,
            Measure::Nanos(count) => seconds * 1e9 / count,
            Measure::Millis => seconds * 1e3,
            Measure::Gigabytes(bytes) => bytes / seconds / 1e9,
            Measure::Teraflops(operations) => operations / seconds / 1e12,
            Measure::Ratio => seconds,
            Measure::Thousands(count) => count / seconds / 1e3,
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Measure::Micros(_) => "us",
            Measure::Nanos(_) => "ns",
            Measure::Millis => "ms",
            Measure::Gigabytes(_) => "GB/s",
            Measure::Teraflops(_) => "TFLOP/s",
            Measure::Ratio => "x",
            Measure::Thousands(_) => "k/s",
        }
    }
}

/// The number and duration of samples.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The number of seconds for which the sides run unmeasured first.
    pub warm_s: f64,
    /// The number of turns of each side.
    pub rounds: usize,
    /// The number of samples in a turn.
    pub batch: usize,
}

/// A side of a comparison: a name, and a function that takes one sample and returns its seconds.
pub struct Side<'a> {
    peer: &'a str,
    sample: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Side<'a> {
    /// A side whose sample is the duration of a call of `work`.
    pub fn new(peer: &'a str, mut work: impl FnMut() + 'a) -> Side<'a> {
        Side::clocked(peer, move || {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
    }

    /// A side that measures a part of its work itself and returns the seconds.
    pub fn clocked(peer: &'a str, sample: impl FnMut() -> f64 + 'a) -> Side<'a> {
        Side { peer, sample: Box::new(sample) }
    }
}

/// Lets the sides take turns. Returns the values of each side, in the order of `sides`.
pub fn values(plan: Plan, measure: Measure, sides: &mut [Side]) -> Vec<Vec<f64>> {
    let start = Instant::now();
    // Each side runs at least once, so that what is created at the first use is not measured.
    loop {
        for side in sides.iter_mut() {
            (side.sample)();
        }
        if start.elapsed().as_secs_f64() >= plan.warm_s {
            break;
        }
    }
    let mut values = vec![Vec::with_capacity(plan.rounds * plan.batch); sides.len()];
    for round in 0..plan.rounds {
        for turn in 0..sides.len() {
            // A different side goes first in each round.
            let at = (turn + round) % sides.len();
            // In the first sample of a turn, the caches have data of the side before, and the GPU must switch to this side's context, which
            // takes a tenth of a millisecond on an H200. If a sample takes long, neither matters.
            if plan.batch > 1 {
                (sides[at].sample)();
            }
            for _ in 0..plan.batch {
                values[at].push(measure.value((sides[at].sample)()));
            }
        }
    }
    values
}

/// Lets the sides take turns, and prints the results.
pub fn time_fairly(out: &Out, bench: &str, param: impl Display, measure: Measure, plan: Plan, sides: &mut [Side]) {
    let all = values(plan, measure, sides);
    for (side, values) in sides.iter().zip(all) {
        out.spread(side.peer, bench, &param, values, measure.unit());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn sides_take_turns_and_change_places() {
        let order = RefCell::new(Vec::new());
        let log = |name: char| {
            order.borrow_mut().push(name);
            1.0
        };
        let plan = Plan { warm_s: 0.0, rounds: 2, batch: 2 };
        let mut sides = [Side::clocked("a", || log('a')), Side::clocked("b", || log('b'))];
        let values = values(plan, Measure::Micros(2.0), &mut sides);
        assert_eq!(values, [vec![5e5; 4], vec![5e5; 4]]);
        drop(sides);
        assert_eq!(order.into_inner().into_iter().collect::<String>(), "abaaabbbbbbaaa");
    }
}
