//! The lines of the benchmarks, `peer,bench,param,value,unit`, from one run or from several.

use std::collections::BTreeMap;
use std::path::Path;

/// The measured values by (peer, bench, param).
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    values: BTreeMap<(String, String, String), Vec<f64>>,
    /// The remarks, without their `#`.
    pub(crate) notes: Vec<String>,
}

/// A median with its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value {
    /// The median.
    pub(crate) median: f64,
    /// The tenth and the ninetieth percentile of the samples. Both are the median if there was only one sample.
    pub(crate) spread: (f64, f64),
}

impl Results {
    /// Reads result files. If several files have a value, the result is the median of the values.
    pub(crate) fn read<P: AsRef<Path>>(files: &[P]) -> Result<Results, String> {
        let mut results = Results::default();
        for file in files {
            let file = file.as_ref();
            let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
            results.add(&text);
        }
        Ok(results)
    }

    /// Adds lines. Other lines are ignored, because a program may have been stopped in the middle of a line.
    pub(crate) fn add(&mut self, text: &str) {
        for line in text.lines() {
            if let Some(note) = line.strip_prefix('#') {
                self.notes.push(note.trim().to_owned());
            } else if let [peer, bench, param, value, _unit] = line.split(',').collect::<Vec<_>>()[..]
                && let Ok(value) = value.parse()
            {
                self.values.entry((peer.into(), bench.into(), param.into())).or_default().push(value);
            }
        }
    }

    /// Whether nothing was measured.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn number(&self, peer: &str, bench: &str, param: &str) -> Option<f64> {
        let mut values = self.values.get(&(peer.to_owned(), bench.to_owned(), param.to_owned()))?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// The value of a peer.
    pub(crate) fn get(&self, peer: &str, bench: &str, param: &str) -> Option<Value> {
        let median = self.number(peer, bench, param)?;
        let at = |share: &str| self.number(peer, &format!("{bench}_{share}"), param).unwrap_or(median);
        Some(Value { median, spread: (at("p10"), at("p90")) })
    }

    /// The params of a bench with the values of a peer, in ascending order.
    pub(crate) fn series(&self, peer: &str, bench: &str) -> Vec<(f64, Value)> {
        let params = self.values.keys().filter(|(p, b, _)| p == peer && b == bench).map(|(_, _, param)| param.as_str());
        let mut points: Vec<_> = params.filter_map(|param| Some((magnitude(param)?, self.get(peer, bench, param)?))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    }

    /// The largest param that any peer has for a bench.
    pub(crate) fn largest(&self, bench: &str) -> Option<&str> {
        let params = self.values.keys().filter(|(_, b, _)| b == bench).map(|(_, _, param)| param.as_str());
        params.filter_map(|param| Some((magnitude(param)?, param))).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, param)| param)
    }

    /// Every peer that has a value for a bench, in alphabetical order.
    pub(crate) fn peers(&self, bench: &str) -> Vec<&str> {
        let mut peers: Vec<&str> = self.values.keys().filter(|(_, b, _)| b == bench).map(|(peer, _, _)| peer.as_str()).collect();
        peers.dedup();
        peers
    }

    /// The device that was measured, if a remark names it.
    pub(crate) fn device(&self) -> Option<&str> {
        self.notes.iter().find_map(|note| note.strip_prefix("device: "))
    }
}

/// The number that a param stands for, such as 1000, 64KiB or 99.5.
pub(crate) fn magnitude(param: &str) -> Option<f64> {
    let units = [("KiB", 1u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
    let with_unit = units.iter().find_map(|(unit, factor)| Some((param.strip_suffix(unit)?, *factor)));
    let (digits, factor) = with_unit.unwrap_or((param, 1));
    Some(digits.parse::<f64>().ok()? * factor as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_the_rest_is_passed_over() {
        let mut results = Results::default();
        results.add("# device: X\nraw,write,64KiB,3,GB/s\nraw,write,1MiB,5,GB/s\nraw,write_p10,1MiB,4,GB/s\nraw,wri\n");
        assert_eq!(results.device(), Some("X"));
        assert_eq!(results.get("raw", "write", "1MiB"), Some(Value { median: 5.0, spread: (4.0, 5.0) }));
        assert_eq!(results.largest("write"), Some("1MiB"));
        assert_eq!(results.series("raw", "write").iter().map(|(x, _)| *x).collect::<Vec<_>>(), [65536.0, 1048576.0]);
        assert_eq!(results.peers("write"), ["raw"]);
        assert_eq!(results.get("ours", "write", "1MiB"), None);
    }

    #[test]
    fn several_runs_give_their_median() {
        let mut results = Results::default();
        ["raw,a,,1,us", "raw,a,,9,us", "raw,a,,2,us"].iter().for_each(|line| results.add(line));
        assert_eq!(results.get("raw", "a", "").unwrap().median, 2.0);
    }

    #[test]
    fn params_have_magnitudes() {
        assert_eq!(
            ["4B", "64KiB", "1GiB", "10000", "99.5", "warm"].map(magnitude),
            [Some(4.0), Some(65536.0), Some(1073741824.0), Some(10000.0), Some(99.5), None]
        );
    }
}
