//! The command line, and the reductions of a small run.

use crate::fair_timing::Plan;

/// The groups of benchmarks, in the order in which they run.
pub const GROUPS: [&str; 11] =
    ["latency", "dispatch", "encode", "transfers", "memory", "gemm", "checks", "alloc", "threads", "overlap", "startup"];

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// For a software driver on a small machine: less data, fewer repetitions.
    pub small: bool,
    /// Sizes up to 4 GiB in the transfers.
    pub huge: bool,
    /// The driver does nothing, so results are not checked.
    pub null: bool,
    /// The groups to run; empty for all.
    pub groups: Vec<String>,
}

impl Options {
    /// Parses the words of a command line. The error is a message.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { small: false, huge: false, null: false, groups: Vec::new() };
        for word in words {
            match word.as_str() {
                "--small" => options.small = true,
                "--huge" => options.huge = true,
                "--null" => options.null = true,
                group if GROUPS.contains(&group) => options.groups.push(word),
                other => return Err(format!("'{other}' is no option and no group; groups: {}", GROUPS.join(" "))),
            }
        }
        Ok(options)
    }

    /// Whether the group is wanted.
    pub fn wants(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|g| g == group)
    }

    /// Seconds of load before a measurement. An idle GPU has a low clock and takes some 0.3 s of work to raise it.
    pub fn warm_s(&self) -> f64 {
        if self.small { 0.02 } else { 0.4 }
    }

    /// The plan for something that takes microseconds.
    pub fn latency_plan(&self) -> Plan {
        let (rounds, batch) = if self.small { (10, 40) } else { (20, 150) };
        Plan { warm_s: self.warm_s() / 2.0, rounds, batch }
    }

    /// The plan for something that takes milliseconds.
    pub fn work_plan(&self) -> Plan {
        let (rounds, batch) = if self.small { (3, 2) } else { (4, 3) };
        Plan { warm_s: self.warm_s(), rounds, batch }
    }

    /// The plan for a transfer of `bytes`.
    pub fn transfer_plan(&self, bytes: usize) -> Plan {
        let (rounds, batch): (usize, usize) = match bytes {
            0..=65_536 => (10, 30),
            65_537..=1_048_576 => (10, 8),
            1_048_577..=16_777_216 => (8, 2),
            16_777_217..=268_435_456 => (7, 1),
            _ => (4, 1),
        };
        let (rounds, batch) = if self.small { (rounds.min(5), batch.div_ceil(2)) } else { (rounds, batch) };
        Plan { warm_s: 0.05, rounds, batch }
    }

    /// The sizes of the transfers in bytes.
    pub fn transfer_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![4, 64, 1 << 10, 4 << 10, 64 << 10, 1 << 20, 16 << 20];
        sizes.extend(if self.small { vec![64 << 20] } else { vec![256 << 20, 1 << 30] });
        if self.huge {
            sizes.push(4 << 30);
        }
        sizes
    }

    /// The sizes of the transfers whose memory is prepared first (pinned, registered).
    pub fn pinned_sizes(&self) -> Vec<usize> {
        if self.small { vec![64 << 10, 1 << 20, 16 << 20] } else { vec![64 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30] }
    }

    /// The numbers of dispatches that are queued before a wait.
    pub fn batches(&self) -> Vec<usize> {
        if self.small { vec![1, 10, 100, 1000] } else { vec![1, 10, 100, 1000, 10_000] }
    }

    /// The sizes of an array of the memory-bound kernels in bytes.
    pub fn array_bytes(&self) -> usize {
        if self.small { 32 << 20 } else { 1 << 30 }
    }

    /// The side lengths of the square matrices.
    pub fn matrix(&self) -> usize {
        if self.small { 256 } else { 4096 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Options, String> {
        Options::parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn groups_and_flags_are_read() {
        let options = parsed("--small gemm alloc").unwrap();
        assert!(options.small && !options.huge && options.wants("gemm") && !options.wants("latency"));
        assert!(parsed("").unwrap().wants("latency"));
        assert!(parsed("--large").is_err_and(|e| e.contains("--large")));
    }
}
