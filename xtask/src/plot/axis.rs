//! Axes: the position of a value, the ticks and their labels.

/// How values are spread over an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Equal differences have equal lengths.
    Linear,
    /// Equal ratios have equal lengths.
    Log,
}

/// The kind of the numbers, which determines the ticks and their labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Bytes, with ticks at powers of two.
    Bytes,
    /// Any other numbers.
    Plain,
    /// Percentages.
    Percent,
}

/// An axis from `low` to `high`.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// The label beside the axis.
    pub(crate) label: String,
    /// Its scale.
    pub(crate) scale: Scale,
    numbers: Numbers,
    low: f64,
    high: f64,
}

/// A line of the grid. A main line has a label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// The value of the line.
    pub(crate) value: f64,
    /// The label.
    pub(crate) words: Option<String>,
}

impl Axis {
    /// An axis that covers all of `values`, which must be positive if the scale is logarithmic.
    pub(crate) fn fitting(label: &str, scale: Scale, numbers: Numbers, values: impl Iterator<Item = f64>) -> Axis {
        let (mut low, mut high) = values.filter(|v| v.is_finite()).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        match (scale, numbers) {
            (_, Numbers::Percent) => (low, high) = (0.0, 100.0),
            (Scale::Linear, _) => (low, high) = (low.min(0.0), high * 1.05),
            // Padding keeps the points off the frame.
            (Scale::Log, Numbers::Bytes) => (low, high) = (low / 1.5, high * 1.5),
            (Scale::Log, Numbers::Plain) => {
                let margin = (high / low).powf(0.06).max(1.12);
                (low, high) = (low / margin, high * margin);
            }
        }
        Axis { label: label.to_owned(), scale, numbers, low, high }
    }

    /// The position of a value, from 0 at the low end to 1 at the high end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        }
    }

    /// The lines of the grid.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        let all = match (self.scale, self.numbers) {
            (_, Numbers::Percent) => (0..=4).map(|i| self.main(f64::from(i) * 25.0)).collect(),
            (Scale::Log, Numbers::Bytes) => (0..=48).step_by(2).map(|power| self.main(f64::from(power).exp2())).collect::<Vec<_>>(),
            (Scale::Log, Numbers::Plain) => self.decades(),
            (Scale::Linear, _) => {
                let step = round_step((self.high - self.low) / 5.0);
                let first = (self.low / step).ceil() as i64;
                (first..=(self.high / step).floor() as i64).map(|i| self.main(i as f64 * step)).collect()
            }
        };
        let within = |tick: &Tick| (-1e-9..=1.0 + 1e-9).contains(&self.at(tick.value));
        let mut ticks: Vec<Tick> = all.into_iter().filter(within).collect();
        // Too many labels would overlap.
        while self.numbers == Numbers::Bytes && ticks.len() > 10 {
            ticks = ticks.into_iter().step_by(2).collect();
        }
        ticks
    }

    /// Powers of ten. If there are few of them, more labels go between them. Lines for the other digits have no label.
    fn decades(&self) -> Vec<Tick> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let named: &[u32] = match (self.high / self.low).log10() {
            few if few < 0.85 => &[1, 2, 3, 4, 5, 6, 7, 8, 9],
            some if some < 2.5 => &[1, 2, 5],
            _ => &[1],
        };
        let mut ticks = Vec::new();
        for power in first..=last {
            for digit in 1..10 {
                let value = f64::from(digit) * 10f64.powi(power);
                let tick = self.main(value);
                ticks.push(if named.contains(&digit) { tick } else { Tick { words: None, ..tick } });
            }
        }
        ticks
    }

    fn main(&self, value: f64) -> Tick {
        let words = match self.numbers {
            Numbers::Bytes => bytes(value),
            Numbers::Plain => plain(value),
            Numbers::Percent => format!("{value:.0} %"),
        };
        Tick { value, words: Some(words) }
    }
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|rounded| *rounded >= step * 0.999).unwrap_or(step)
}

fn bytes(value: f64) -> String {
    let (mut value, mut unit) = (value, 0);
    while value >= 1024.0 && unit < 4 {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value} {}", ["B", "KiB", "MiB", "GiB", "TiB"][unit])
}

/// A round number without rounding noise: 0.02, 5, 10,000.
fn plain(value: f64) -> String {
    if value.abs() >= 1000.0 {
        let digits = format!("{value:.0}");
        let first = digits.len() % 3;
        let mut parts: Vec<&str> = if first > 0 { vec![&digits[..first]] } else { vec![] };
        parts.extend((first..digits.len()).step_by(3).map(|i| &digits[i..i + 3]));
        return parts.join(",");
    }
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().filter_map(|tick| tick.words).collect()
    }

    #[test]
    fn log_axes_have_decades() {
        let axis = Axis::fitting("us", Scale::Log, Numbers::Plain, [0.5, 2000.0].into_iter());
        assert_eq!(words(&axis), ["1", "10", "100", "1,000"]);
        assert!(axis.at(1.0) > 0.0 && axis.at(1000.0) < 1.0 && axis.at(0.5) > 0.0);
        let narrow = Axis::fitting("us", Scale::Log, Numbers::Plain, [0.9, 11.0].into_iter());
        assert_eq!(words(&narrow), ["1", "2", "5", "10"]);
    }

    #[test]
    fn bytes_go_by_powers_of_two() {
        let axis = Axis::fitting("size", Scale::Log, Numbers::Bytes, [4.0, 1073741824.0].into_iter());
        let words = words(&axis);
        assert!(words.len() <= 10 && words.contains(&"4 KiB".to_owned()) || words.contains(&"1 KiB".to_owned()), "{words:?}");
    }

    #[test]
    fn linear_axes_have_round_steps() {
        let axis = Axis::fitting("GB/s", Scale::Linear, Numbers::Plain, [3.0, 47.0].into_iter());
        assert_eq!(words(&axis), ["0", "10", "20", "30", "40"]);
        assert_eq!(plain(0.02), "0.02");
    }
}
