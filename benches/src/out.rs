//! The lines that a program of the suite prints.

use std::cell::Cell;
use std::fmt::Display;

/// Prints the lines, and records whether a check failed.
#[derive(Default)]
pub struct Out {
    wrong: Cell<bool>,
}

impl Out {
    /// One value.
    pub fn value(&self, peer: &str, bench: &str, param: impl Display, value: f64, unit: &str) {
        println!("{peer},{bench},{param},{value:.6},{unit}");
    }

    /// The median of `values` with its spread.
    pub fn spread(&self, peer: &str, bench: &str, param: impl Display, values: Vec<f64>, unit: &str) {
        let Some(sorted) = Sorted::new(values) else { return };
        self.value(peer, bench, &param, sorted.at(0.5), unit);
        for (name, share) in [("min", 0.0), ("p10", 0.1), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
            self.value(peer, &format!("{bench}_{name}"), &param, sorted.at(share), unit);
        }
    }

    /// The whole distribution of `values`, for a plot: the bench `BENCH_share`, whose param is a percentage.
    pub fn distribution(&self, peer: &str, bench: &str, values: &[f64], unit: &str) {
        let Some(sorted) = Sorted::new(values.to_vec()) else { return };
        for percent in [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9] {
            self.value(peer, &format!("{bench}_share"), percent, sorted.at(percent / 100.0), unit);
        }
    }

    /// A remark for readers.
    pub fn note(&self, text: impl Display) {
        println!("# {}", text.to_string().replace('\n', " "));
    }

    /// Reports a wrong result, also in the program's exit code.
    pub fn check(&self, peer: &str, what: impl Display, right: bool) {
        if !right {
            self.wrong.set(true);
            self.note(format_args!("WRONG: {peer}: {what}"));
        }
    }

    /// Whether all checks passed.
    pub fn all_right(&self) -> bool {
        !self.wrong.get()
    }
}

/// Sorted values, at least one.
#[derive(Debug)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// `None` without values.
    pub fn new(mut values: Vec<f64>) -> Option<Sorted> {
        values.sort_by(f64::total_cmp);
        if values.is_empty() { None } else { Some(Sorted(values)) }
    }

    /// The quantile at `share` (0 to 1).
    pub fn at(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share).round() as usize]
    }
}

/// A size as text: 4B, 64KiB, 1GiB.
pub fn size_name(bytes: usize) -> String {
    match bytes {
        b if b >= 1 << 30 => format!("{}GiB", b >> 30),
        b if b >= 1 << 20 => format!("{}MiB", b >> 20),
        b if b >= 1 << 10 => format!("{}KiB", b >> 10),
        b => format!("{b}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_sorted_values() {
        let sorted = Sorted::new(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!([sorted.at(0.0), sorted.at(0.5), sorted.at(1.0)], [1.0, 2.0, 3.0]);
        assert!(Sorted::new(vec![]).is_none());
    }

    #[test]
    fn sizes_have_names() {
        assert_eq!([4, 4 << 10, 16 << 20, 1 << 30].map(size_name), ["4B", "4KiB", "16MiB", "1GiB"]);
    }
}
