//! Fair timing: the sides of a comparison take turns, so that clocks, caches and neighbours of the machine treat them alike.

use crate::out::Out;
use std::fmt::Display;
use std::time::Instant;

/// What is done with a sample's seconds.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// Microseconds for each of so many things.
    Micros(f64),
    /// Nanoseconds for each of so many things.
    Nanos(f64),
    /// Milliseconds.
    Millis,
    /// Gigabytes (10^9) a second, of so many bytes.
    Gigabytes(f64),
    /// TFLOP/s, of so many operations.
    Teraflops(f64),
    /// What the side itself gives is the value already: a ratio.
    Ratio,
    /// Thousands of things a second, of so many.
    Thousands(f64),
}

impl Measure {
    /// The value that `seconds` make.
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

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Seconds in which the sides run unmeasured first.
    pub warm_s: f64,
    /// How often the sides take turns.
    pub rounds: usize,
    /// Samples of a turn.
    pub batch: usize,
}

/// One side of a comparison: a name, and what takes one sample and gives its seconds.
pub struct Side<'a> {
    peer: &'a str,
    sample: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Side<'a> {
    /// A side whose sample is one whole call of `work`.
    pub fn new(peer: &'a str, mut work: impl FnMut() + 'a) -> Side<'a> {
        Side::clocked(peer, move || {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
    }

    /// A side that measures a part of what it does by itself, and gives the seconds.
    pub fn clocked(peer: &'a str, sample: impl FnMut() -> f64 + 'a) -> Side<'a> {
        Side { peer, sample: Box::new(sample) }
    }
}

/// Has the sides take turns and gives each one's values, in the order in which they were given.
pub fn values(plan: Plan, measure: Measure, sides: &mut [Side]) -> Vec<Vec<f64>> {
    let start = Instant::now();
    // Each at least once: what is made at the first use is not to be measured.
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
            // Another side goes first each round.
            let at = (turn + round) % sides.len();
            // The first sample of a turn finds caches that the side before has filled, and a GPU that must change to this side's
            // context, which takes an H200 a tenth of a millisecond. Where a sample takes long, neither matters.
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

/// Has the sides take turns and prints what they reached.
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
