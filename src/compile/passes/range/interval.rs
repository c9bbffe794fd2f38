//! Intervals of 32-bit values, read as unsigned.

/// All values from `low` to `high`. `high` is not less than `low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) low: u32,
    pub(super) high: u32,
}

/// The largest number whose signed and unsigned values are equal.
const SIGNED: u32 = i32::MAX as u32;

impl Interval {
    /// The interval of all values.
    pub(super) const ANY: Interval = Interval { low: 0, high: u32::MAX };

    pub(super) fn new(low: u32, high: u32) -> Interval {
        Interval { low, high }
    }

    pub(super) fn one(value: u32) -> Interval {
        Interval::new(value, value)
    }

    /// Creates an interval from 64-bit bounds. If a bound does not fit in 32 bits, the operation may have wrapped, so the result is any
    /// value.
    fn of(low: u64, high: u64) -> Interval {
        match (u32::try_from(low), u32::try_from(high)) {
            (Ok(low), Ok(high)) => Interval { low, high },
            _ => Interval::ANY,
        }
    }

    /// Whether no value of the interval is negative when it is read as signed.
    pub(super) fn is_positive(self) -> bool {
        self.high <= SIGNED
    }

    pub(super) fn contains(self, other: Interval) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// The smallest interval that contains both.
    pub(super) fn hull(self, other: Interval) -> Interval {
        Interval::new(self.low.min(other.low), self.high.max(other.high))
    }

    /// The intersection. If the intersection is empty the code is unreachable, so any result is correct.
    pub(super) fn meet(self, other: Interval) -> Interval {
        let low = self.low.max(other.low);
        Interval::new(low, self.high.min(other.high).max(low))
    }

    pub(super) fn add(self, other: Interval) -> Interval {
        Interval::of(u64::from(self.low) + u64::from(other.low), u64::from(self.high) + u64::from(other.high))
    }

    pub(super) fn sub(self, other: Interval) -> Interval {
        match (self.low.checked_sub(other.high), self.high.checked_sub(other.low)) {
            (Some(low), Some(high)) => Interval { low, high },
            _ => Interval::ANY,
        }
    }

    pub(super) fn mul(self, other: Interval) -> Interval {
        Interval::of(u64::from(self.low) * u64::from(other.low), u64::from(self.high) * u64::from(other.high))
    }

    pub(super) fn div(self, other: Interval) -> Interval {
        match (self.low.checked_div(other.high), self.high.checked_div(other.low)) {
            (Some(low), Some(high)) => Interval { low, high },
            _ => Interval::ANY,
        }
    }

    pub(super) fn rem(self, other: Interval) -> Interval {
        if other.low == 0 {
            Interval::ANY
        } else if self.high < other.low {
            self
        } else {
            Interval::new(0, self.high.min(other.high - 1))
        }
    }

    pub(super) fn and(self, other: Interval) -> Interval {
        Interval::new(0, self.high.min(other.high))
    }

    /// Bitwise or, and exclusive or: the result has no bit above the highest bit of both operands.
    pub(super) fn or(self, other: Interval) -> Interval {
        let high = self.high.max(other.high);
        Interval::new(0, u32::MAX.checked_shr(high.leading_zeros()).unwrap_or(0))
    }

    pub(super) fn shl(self, other: Interval) -> Interval {
        if other.high > 31 { Interval::ANY } else { Interval::of(u64::from(self.low) << other.low, u64::from(self.high) << other.high) }
    }

    pub(super) fn shr(self, other: Interval) -> Interval {
        if other.high > 31 { Interval::ANY } else { Interval::new(self.low >> other.high, self.high >> other.low) }
    }

    pub(super) fn min(self, other: Interval) -> Interval {
        Interval::new(self.low.min(other.low), self.high.min(other.high))
    }

    pub(super) fn max(self, other: Interval) -> Interval {
        Interval::new(self.low.max(other.low), self.high.max(other.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For every pair of small intervals, the result of an operation contains the results for all values in them.
    #[test]
    fn operations_hold_their_results() {
        type Of = fn(u32, u32) -> Option<u32>;
        type On = fn(Interval, Interval) -> Interval;
        let operations: [(Of, On); 12] = [
            (|a, b| Some(a.wrapping_add(b)), Interval::add),
            (|a, b| Some(a.wrapping_sub(b)), Interval::sub),
            (|a, b| Some(a.wrapping_mul(b)), Interval::mul),
            (u32::checked_div, Interval::div),
            (u32::checked_rem, Interval::rem),
            (|a, b| Some(a & b), Interval::and),
            (|a, b| Some(a | b), Interval::or),
            (|a, b| Some(a ^ b), Interval::or),
            (u32::checked_shl, Interval::shl),
            (u32::checked_shr, Interval::shr),
            (|a, b| Some(a.min(b)), Interval::min),
            (|a, b| Some(a.max(b)), Interval::max),
        ];
        let values = [0, 1, 2, 3, 5, 8, 30, 31, 32, 1000, 1 << 20, SIGNED, SIGNED + 1, u32::MAX - 1, u32::MAX];
        let intervals =
            || values.iter().flat_map(|&low| values.iter().filter(move |&&high| high >= low).map(move |&high| Interval::new(low, high)));
        let inside = |interval: Interval| values.into_iter().filter(move |&value| interval.contains(Interval::one(value)));
        for (i, (of, on)) in operations.into_iter().enumerate() {
            for (a, b) in intervals().flat_map(|a| intervals().map(move |b| (a, b))) {
                let result = on(a, b);
                for (x, y) in inside(a).flat_map(|x| inside(b).map(move |y| (x, y))) {
                    if let Some(value) = of(x, y) {
                        assert!(
                            result.contains(Interval::one(value)),
                            "operation {i}: {x} and {y} of {a:?} and {b:?}: {value}, {result:?}"
                        );
                    }
                }
            }
        }
    }
}
