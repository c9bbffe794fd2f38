//! Random data, and the results that kernels must compute from the data.

use std::time::{SystemTime, UNIX_EPOCH};

/// A random number generator (splitmix64). The same seed gives the same numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A generator with a seed that differs from run to run.
    pub fn fresh() -> Random {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Random(time.as_nanos() as u64 ^ u64::from(std::process::id()) << 32)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// `count` numbers in [0, 1).
    pub fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.unit()).collect()
    }

    /// `count` 32-bit words.
    pub fn words(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.bits() as u32).collect()
    }
}

/// The result of `times` runs of [`crate::kernels::STEP`] on `x`. One run is x -> a x + c, which is composed with itself by
/// squaring.
pub fn stepped(mut x: u32, mut times: usize) -> u32 {
    let (mut a, mut c) = (1_664_525u32, 1_013_904_223u32);
    while times > 0 {
        if times & 1 == 1 {
            x = x.wrapping_mul(a).wrapping_add(c);
        }
        c = c.wrapping_mul(a.wrapping_add(1));
        a = a.wrapping_mul(a);
        times >>= 1;
    }
    x
}

/// Whether `got` is the result of `times` runs of the kernel on `start`.
pub fn all_stepped(got: &[u32], start: &[u32], times: usize) -> bool {
    got.len() == start.len() && got.iter().zip(start).all(|(got, start)| *got == stepped(*start, times))
}

/// Whether `got` is close enough to `expected`. The results may differ by one multiplication that is fused with an addition.
pub fn near(got: &[f32], expected: impl Iterator<Item = f32>) -> bool {
    let mut count = 0;
    let right = got.iter().zip(expected).all(|(got, expected)| {
        count += 1;
        (got - expected).abs() <= 1e-6 * expected.abs().max(1.0)
    });
    right && count == got.len()
}

/// Whether c = a * b at 300 random places. The matrices are square with side `n`.
pub fn is_product(c: &[f32], a: &[f32], b: &[f32], n: usize) -> bool {
    let mut random = Random::fresh();
    (0..300).all(|_| {
        let (row, column) = (random.bits() as usize % n, random.bits() as usize % n);
        let exact: f64 = (0..n).map(|k| f64::from(a[row * n + k]) * f64::from(b[k * n + column])).sum();
        (f64::from(c[row * n + column]) - exact).abs() <= 1e-4 * exact.abs()
    })
}

/// 1,000 sizes for allocations, spread evenly over the orders of magnitude from 64 B to 16 MiB. The sizes are the same in every
/// run.
pub fn mixed_sizes() -> Vec<u64> {
    let mut random = Random::new(7);
    let exponent = |random: &mut Random| 6.0 + 18.0 * f64::from(random.unit());
    (0..1000).map(|_| (exponent(&mut random).exp2() as u64).next_multiple_of(4)).collect()
}

/// The bytes of the numbers.
pub fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: by the trait's contract, all bytes of a T are initialized; a u8 has no alignment requirement.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The bytes of the numbers, for writing.
pub fn bytes_of_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: by the trait's contract, all bytes of a T are initialized and any bytes are a valid T; a u8 has no alignment
    // requirement.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

/// A number without padding.
///
/// # Safety
/// Every byte of the type must be part of its value, and all bytes must be valid.
pub unsafe trait Plain: Copy {}
// SAFETY: a u32 has four bytes, and any four bytes are a valid u32.
unsafe impl Plain for u32 {}
// SAFETY: as for u32.
unsafe impl Plain for f32 {}
// SAFETY: a u8 has one byte, and any byte is a valid u8.
unsafe impl Plain for u8 {}
// SAFETY: a u64 has eight bytes, and any eight bytes are a valid u64.
unsafe impl Plain for u64 {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_the_kernel() {
        let mut x = 5u32;
        for times in 0..100 {
            assert_eq!(stepped(5, times), x);
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        }
    }

    #[test]
    fn checks_find_what_is_wrong() {
        let start = [1, 2];
        let got = start.map(|x| stepped(x, 3));
        assert!(all_stepped(&got, &start, 3) && !all_stepped(&got, &start, 2) && !all_stepped(&got[..1], &start, 3));
        assert!(near(&[1.0], [1.0].into_iter()) && !near(&[1.0, 2.0], [1.0].into_iter()) && !near(&[1.1], [1.0].into_iter()));
        let identity = [1.0, 0.0, 0.0, 1.0];
        let a = [1.0, 2.0, 3.0, 4.0];
        assert!(is_product(&a, &a, &identity, 2) && !is_product(&identity, &a, &identity, 2));
    }

    #[test]
    fn sizes_are_mixed() {
        let sizes = mixed_sizes();
        assert!(sizes.iter().all(|s| (64..=16 << 20).contains(s) && s % 4 == 0));
        assert!(sizes.iter().any(|s| *s < 1000) && sizes.iter().any(|s| *s > 1 << 20));
    }
}
