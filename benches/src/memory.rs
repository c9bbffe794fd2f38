//! Ordinary host memory, and the amount that this process uses.

use crate::data::{Random, bytes_of, bytes_of_mut};

/// Ordinary memory from malloc, each page touched and filled with random bytes.
pub struct HostMemory {
    words: Vec<u64>,
    size: usize,
}

impl HostMemory {
    /// `size` bytes.
    pub fn random(size: usize) -> HostMemory {
        let mut random = Random::fresh();
        HostMemory { words: (0..size.div_ceil(8)).map(|_| random.bits()).collect(), size }
    }

    /// `size` zero bytes. The pages are touched, because a fresh page costs more than the copy into it.
    pub fn blank(size: usize) -> HostMemory {
        let mut memory = HostMemory { words: vec![1; size.div_ceil(8)], size };
        memory.words.fill(0);
        memory
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytes_of(&self.words)[..self.size]
    }

    /// The bytes, to be overwritten.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let size = self.size;
        &mut bytes_of_mut(&mut self.words)[..size]
    }
}

/// The resident memory of this process in MiB; 0 if the system does not report it.
pub fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
