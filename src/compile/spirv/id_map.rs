//! Hash tables keyed by SPIR-V ids. Ids are small numbers below a bound that is checked, so one multiplication distributes them well
//! (Knuth, The Art of Computer Programming, 6.4). The standard library's hash takes ten times as long, because it protects against hostile
//! keys of any length.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table whose key is an id, or a few numbers of which one is an id.
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// The hasher that the module's documentation describes.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(byte.into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(23) ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u64(&mut self, number: u64) {
        self.write_u32(number as u32);
        self.write_u32((number >> 32) as u32);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        // The table uses the lowest and the highest bits of the hash. The best bits of the product are in its middle and above.
        self.0.rotate_left(20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::Hash;

    fn hash(key: impl Hash) -> u64 {
        let mut hasher = IdHasher::default();
        key.hash(&mut hasher);
        hasher.finish()
    }

    /// Consecutive ids, strided ids and pairs of ids occupy nearly as many buckets as random numbers would, which is 63% of the buckets.
    #[test]
    fn ids_spread() {
        let filled = |hashes: Vec<u64>| hashes.iter().map(|hash| hash & 0xffff).collect::<HashSet<u64>>().len();
        for stride in [1, 2, 3, 16, 64] {
            let filled = filled((0..0x1_0000u32).map(|i| hash(i * stride)).collect());
            assert!(filled > 0x1_0000 * 55 / 100, "stride {stride}: {filled} buckets");
        }
        let pairs = filled((0..256u32).flat_map(|a| (0..256u32).map(move |b| hash((a, b)))).collect());
        assert!(pairs > 0x1_0000 * 55 / 100, "pairs: {pairs} buckets");
    }
}
