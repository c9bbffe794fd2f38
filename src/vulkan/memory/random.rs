//! Random numbers for the tests of the allocators.

/// A xorshift generator: the same numbers in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A size below `1 << bits`, small ones as likely as large ones.
    pub(super) fn size(&mut self, bits: u64) -> u64 {
        let bound = 1 << self.below(bits);
        self.below(bound)
    }
}
